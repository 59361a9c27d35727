//! What a text is written in, and what parts its cells.

use super::super::Source;
use crate::error::{Encoding, SheetError};
use crate::limits::Limits;
use encoding_rs::{DecoderResult, GB18030};
use std::io::{BufRead, BufReader, Read};

const BOM: [u8; 3] = [0xef, 0xbb, 0xbf];

/// The encoding of all lines. A source without a byte order mark is UTF-8 when every line is, and GB18030 when every
/// line is; a single line says too little, because short GB18030 words happen to be UTF-8.
pub(super) fn encoding(source: &mut dyn Source, limits: &Limits) -> Result<Encoding, SheetError> {
    let mut reader = BufReader::with_capacity(256 << 10, source);
    let start = reader.fill_buf()?;
    match start {
        [0xff, 0xfe, ..] => return Ok(Encoding::Utf16Le),
        [0xfe, 0xff, ..] => return Ok(Encoding::Utf16Be),
        _ => {}
    }
    let bom = start.starts_with(&BOM);
    let mut seen = Seen::default();
    let (mut number, mut line) = (0, Vec::new());
    loop {
        number += 1;
        line.clear();
        let most = limits.row_bytes as u64 + 1;
        if reader.by_ref().take(most).read_until(b'\n', &mut line)? == 0 {
            break;
        }
        if line.len() > limits.row_bytes {
            return Err(SheetError::RowTooLong { line: number, limit: limits.row_bytes });
        }
        seen.line(number, if number == 1 { line.strip_prefix(&BOM).unwrap_or(&line) } else { &line }, bom)?;
    }
    Ok(if seen.gb18030.is_some() { Encoding::Gb18030 } else { Encoding::Utf8 { bom } })
}

/// The first lines that can only be the one or the other.
#[derive(Default)]
struct Seen {
    utf8: Option<u64>,
    gb18030: Option<u64>,
}

impl Seen {
    fn line(&mut self, number: u64, line: &[u8], bom: bool) -> Result<(), SheetError> {
        if line.contains(&0) {
            return Err(SheetError::Nul { line: number });
        }
        match std::str::from_utf8(line) {
            Ok(text) => {
                if self.utf8.is_none() && (bom || (!text.is_ascii() && is_surely_utf8(text))) {
                    self.utf8 = Some(number);
                }
            }
            Err(error) => {
                if let Err(good) = gb18030(line) {
                    let utf8 = line.get(..error.valid_up_to()).map_or(0, characters_in_utf8);
                    return Err(SheetError::Undecodable { line: number, character: good.max(utf8) + 1 });
                }
                self.gb18030.get_or_insert(number);
            }
        }
        match (self.utf8, self.gb18030) {
            (Some(utf8), Some(gb)) => {
                let (utf8_bom, gb_found) = (Encoding::Utf8 { bom }, Encoding::Gb18030);
                let (found, other) = if gb > utf8 { (gb_found, utf8_bom) } else { (utf8_bom, gb_found) };
                Err(SheetError::MixedEncodings { line: gb.max(utf8), found, other_line: gb.min(utf8), other })
            }
            _ => Ok(()),
        }
    }
}

fn characters_in_utf8(bytes: &[u8]) -> u64 {
    std::str::from_utf8(bytes).map_or(0, |text| text.chars().count() as u64)
}

/// Whether a line is GB18030, or else how many of its characters are.
fn gb18030(line: &[u8]) -> Result<(), u64> {
    let mut decoder = GB18030.new_decoder_without_bom_handling();
    let mut text = [0; 1024];
    let (mut from, mut characters) = (0, 0);
    loop {
        let (result, read, written) =
            decoder.decode_to_utf8_without_replacement(&line[from..], &mut text, true);
        from += read;
        characters += characters_in_utf8(&text[..written]);
        match result {
            DecoderResult::InputEmpty => return Ok(()),
            DecoderResult::OutputFull => {}
            DecoderResult::Malformed(..) => return Err(characters),
        }
    }
}

/// Whether a line that is UTF-8 would be nonsense in GB18030: it has Chinese characters, and read as GB18030 it
/// breaks off or consists of characters that are no words' (outside of GB2312, whose bytes are all above 0xA0).
fn is_surely_utf8(text: &str) -> bool {
    if !text.chars().any(|c| matches!(c, '\u{3000}'..='\u{9fff}' | '\u{ff01}'..='\u{ff5e}')) {
        return false;
    }
    if gb18030(text.as_bytes()).is_err() {
        return true;
    }
    let mut lead = false;
    text.bytes().any(|byte| {
        let rare = if lead { byte <= 0xa0 } else { (0x80..=0xa0).contains(&byte) };
        lead = !lead && byte >= 0x80;
        rare
    })
}

/// What parts the cells of the first line in which anything stands: what it has most of outside of quotes.
pub(super) fn delimiter(start: &str) -> u8 {
    let line = start.trim_start_matches(['\r', '\n', ' ']);
    let (mut quoted, mut counts) = (false, [0_u32; 3]);
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            '\r' | '\n' if !quoted => break,
            ',' if !quoted => counts[0] += 1,
            ';' if !quoted => counts[1] += 1,
            '\t' if !quoted => counts[2] += 1,
            _ => {}
        }
    }
    let [comma, semicolon, tab] = counts;
    if tab > comma && tab >= semicolon {
        b'\t'
    } else if semicolon > comma {
        b';'
    } else {
        b','
    }
}

#[cfg(test)]
#[expect(clippy::expect_used, reason = "a test that cannot go on fails")]
mod tests {
    use super::*;

    #[test]
    fn the_delimiter_is_what_the_header_has_most_of() {
        assert_eq!(delimiter("姓名,手机号\n1;2;3;4"), b',');
        assert_eq!(delimiter("\n\n姓名;手机号;\"a,b,c,d\""), b';');
        assert_eq!(delimiter("姓名\t手机,号\t车牌"), b'\t');
        assert_eq!(delimiter("姓名"), b',');
        assert_eq!(delimiter("\t姓名"), b'\t');
    }

    #[test]
    fn short_gb_words_that_happen_to_be_utf8_do_not_count_as_such() {
        // 女 is C5 AE, which is a letter in UTF-8.
        let (bytes, _, _) = GB18030.encode("女");
        let text = std::str::from_utf8(&bytes).expect("UTF-8 by chance");
        assert!(!is_surely_utf8(text));
        assert!(is_surely_utf8("李四"));
        assert!(is_surely_utf8("女"));
    }
}
