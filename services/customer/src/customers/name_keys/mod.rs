//! By which texts a name is found: one pure function for who writes keys, and its counterpart for who searches.
//!
//! A key is a letter for its kind and a text. A search is a beginning of keys, so that each is a range of an index in the order of
//! "C": the name itself, each part of a Chinese name up to its end, its pinyin in full, and the initials of that. Characters
//! that are read in several ways give a key for each usual reading.

mod consumer;
mod readings;

use std::collections::BTreeSet;

pub(crate) use consumer::consumer;
use readings::Reading;

/// The most characters of a name that are compared.
const LENGTH: usize = 40;
/// From how many of its characters on a Chinese name is found, besides the first.
const PARTS: usize = 20;

const NAME: char = 'n';
const PINYIN: char = 'p';
const INITIALS: char = 'i';

/// The keys of a name, in their order. None for a name without a letter or digit.
fn keys_of(name: &str) -> Vec<String> {
    let folded: Vec<char> = fold(name).collect();
    let mut keys = BTreeSet::new();
    if folded.is_empty() {
        return Vec::new();
    }
    keys.insert(key(NAME, folded.iter()));
    for (start, first) in folded.iter().enumerate().skip(1).take(PARTS) {
        if is_han(*first) {
            keys.insert(key(NAME, folded.get(start..).unwrap_or_default()));
        }
    }
    if folded.iter().any(|character| is_han(*character)) {
        for Reading { full, initials } in readings::of(&folded, LENGTH) {
            keys.insert(key(PINYIN, full.chars().collect::<Vec<_>>().iter()));
            keys.insert(key(INITIALS, initials.chars().collect::<Vec<_>>().iter()));
        }
    }
    keys.into_iter().collect()
}

/// A name without what people write differently: spaces, dots, width, capitals.
pub(crate) fn plain(name: &str) -> String {
    fold(name).collect()
}

/// Those of its keys that are its pinyin in full.
pub(crate) fn pinyin_of(name: &str) -> Vec<String> {
    keys_of(name).into_iter().filter(|key| key.starts_with(PINYIN)).collect()
}

/// The ranges of keys that a text may begin, from (with) and to (without), in their order and apart from each other.
pub(crate) fn ranges(text: &str) -> Vec<(String, String)> {
    let text: Vec<char> = fold(text).collect();
    if text.is_empty() {
        return Vec::new();
    }
    let latin = text.iter().all(char::is_ascii_alphanumeric);
    let kinds: &[char] = match text.len() {
        _ if !latin => &[NAME],
        // Whose initials begin with a letter, theirs does the pinyin, too.
        1 => &[NAME, PINYIN],
        _ => &[INITIALS, NAME, PINYIN],
    };
    let range = |kind| {
        let from = key(kind, text.iter());
        let to = format!("{from}\u{10ffff}");
        (from, to)
    };
    kinds.iter().map(|kind| range(*kind)).collect()
}

fn key<'a>(kind: char, text: impl IntoIterator<Item = &'a char>) -> String {
    std::iter::once(kind).chain(text.into_iter().copied().take(LENGTH)).collect()
}

/// Letters and digits, small, of one width, without the marks of pinyin's tones. Each character by itself, so that the beginning of a
/// text is folded to the beginning of what the text is folded to.
fn fold(text: &str) -> impl Iterator<Item = char> {
    text.chars().map(narrow).flat_map(char::to_lowercase).map(without_tone).filter(|c| c.is_alphanumeric())
}

/// `Ａ` is `A`.
fn narrow(character: char) -> char {
    match character {
        '\u{ff01}'..='\u{ff5e}' => {
            char::from_u32(u32::from(character).wrapping_sub(0xfee0)).unwrap_or(character)
        }
        _ => character,
    }
}

/// `ǎ` is `a`; `ü` is `v`, as it is typed.
fn without_tone(character: char) -> char {
    match character {
        'ā' | 'á' | 'ǎ' | 'à' => 'a',
        'ē' | 'é' | 'ě' | 'è' | 'ê' => 'e',
        'ī' | 'í' | 'ǐ' | 'ì' => 'i',
        'ō' | 'ó' | 'ǒ' | 'ò' => 'o',
        'ū' | 'ú' | 'ǔ' | 'ù' => 'u',
        'ǖ' | 'ǘ' | 'ǚ' | 'ǜ' | 'ü' => 'v',
        'ń' | 'ň' | 'ǹ' => 'n',
        'ḿ' => 'm',
        _ => character,
    }
}

fn is_han(character: char) -> bool {
    matches!(character,
        '〇' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3134f}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn finds(text: &str, name: &str) -> bool {
        let keys = keys_of(name);
        ranges(text).iter().any(|(from, to)| keys.iter().any(|key| from <= key && key < to))
    }

    #[test]
    fn a_name_is_found_by_its_beginning_its_parts_its_pinyin_and_its_initials() {
        for text in
            ["王", "王小", "小明", "明", "wang", "WangXiao", "wáng xiǎo míng", "wxm", "wx", "w", "ｗｘｍ"]
        {
            assert!(finds(text, "王小明"), "{text}");
        }
        for text in ["王明", "李", "xiaoming", "xm", "wm", "wangm", ""] {
            assert!(!finds(text, "王小明"), "{text}");
        }
        assert!(finds("demo mo", "Demo  Motors Ltd"));
        assert!(!finds("motors", "Demo  Motors Ltd"));
        assert!(finds("阿迪力买", "阿迪力·买买提") && finds("买买提", "阿迪力·买买提"));
    }

    #[test]
    fn a_surname_is_read_as_one_and_found_by_what_people_take_it_for() {
        for (name, texts) in [
            ("单田", ["shantian", "dantian"]),
            ("曾国", ["zengguo", "cengguo"]),
            ("仇英", ["qiuying", "chouying"]),
            ("解珍", ["xiezhen", "jiezhen"]),
            ("朴树", ["piaoshu", "pushu"]),
            ("查良", ["zhaliang", "chaliang"]),
            ("区大", ["ouda", "quda"]),
            ("任重", ["renzhong", "renchong"]),
            ("尉迟恭", ["yuchigong", "ycg"]),
            ("吕布", ["lvbu", "lübu"]),
            ("张乐", ["zhangle", "zhangyue"]),
        ] {
            for text in texts {
                assert!(finds(text, name), "{name} by {text}");
            }
        }
    }

    #[test]
    fn a_long_name_has_few_keys() {
        let keys = keys_of(&"重庆长乐银行".repeat(16));
        assert!(keys.len() < 60, "{}", keys.len());
        assert!(keys.iter().all(|key| key.chars().count() <= LENGTH + 1));
    }

    fn names() -> impl Strategy<Value = String> {
        prop_oneof!["[王李单曾仇解乐行长重吕小明华Ａa·]{1,6}", "\\PC{0,60}", "[A-Za-z ]{1,30}"]
    }

    proptest! {
        #[test]
        fn each_beginning_of_a_name_finds_it(name in names(), length in 1_usize..60) {
            let beginning: String = name.chars().take(length).collect();
            prop_assume!(!ranges(&beginning).is_empty());
            prop_assert!(finds(&beginning, &name));
        }

        #[test]
        fn each_part_of_a_chinese_name_finds_it(name in "[王李单曾仇解乐行长重吕小明华]{1,10}", from in 0_usize..10, length in 1_usize..10) {
            let part: String = name.chars().skip(from).take(length).collect();
            prop_assume!(!part.is_empty());
            prop_assert!(finds(&part, &name));
        }

        #[test]
        fn each_beginning_of_each_key_of_letters_finds_it(name in names(), length in 1_usize..20) {
            for key in keys_of(&name) {
                let text: String = key.chars().skip(1).take(length).collect();
                if key.starts_with(NAME) || text.chars().all(|c| c.is_ascii_alphanumeric()) {
                    prop_assert!(finds(&text, &name), "{}", text);
                }
            }
        }

        #[test]
        fn keys_fit_their_column_and_ranges_stand_apart_in_order(name in names(), text in "\\PC{0,60}") {
            let keys = keys_of(&name);
            prop_assert!(keys.len() <= 1 + PARTS + 2 * readings::MOST);
            prop_assert!(keys.is_sorted() && keys.iter().all(|key| !key.contains('\n')));
            let ranges = ranges(&text);
            prop_assert!(ranges.is_sorted() && ranges.windows(2).all(|two| two[0].1 < two[1].0));
        }
    }
}
