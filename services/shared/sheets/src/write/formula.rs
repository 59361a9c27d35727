//! Texts that a spreadsheet would take for formulas (OWASP, "CSV injection"): they begin with `=`, `+`, `-`, `@`, a
//! tab, or a line break, in whichever width. An apostrophe before them makes them texts, and is taken off again when
//! we read what we wrote.

use std::borrow::Cow;

fn is_dangerous(text: &str) -> bool {
    let start = text.trim_start_matches('\'');
    start.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']) && !is_number(start)
}

/// `-12.50` can do nothing, and is to stay a number.
fn is_number(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let Some(figures) = text.strip_prefix('-') else { return false };
    let (whole, parts) = figures.split_once('.').unwrap_or((figures, "0"));
    digits(whole) && digits(parts)
}

/// The text as it may stand in a CSV. A text that has an apostrophe of its own before the sign gets another, so that
/// [`unguarded`] gives back exactly this text.
pub(super) fn guarded(text: &str) -> Cow<'_, str> {
    if is_dangerous(text) { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

/// The text that was guarded.
pub(crate) fn unguarded(text: &str) -> &str {
    text.strip_prefix('\'').filter(|text| is_dangerous(text)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_would_be_carried_out_is_kept_from_it() {
        for text in
            ["=1+1", "+86 138", "@SUM(A1)", "-2+3", "\t=1", "\r=1", "\n=1", "＝1", "--1", "-", "-1e5", "'=1"]
        {
            assert!(guarded(text).starts_with('\''), "{text:?}");
        }
        for text in ["-12.50", "-3", "李四", "a=b", "'quoted'", ""] {
            assert_eq!(guarded(text), text);
        }
    }

    proptest! {
        #[test]
        fn guarding_can_be_undone(text in "[-'=+@\t0-9.a]{0,6}|\\PC{0,10}") {
            let safe = guarded(&text).into_owned();
            prop_assert!(!safe.starts_with(['=', '+', '@', '\t', '\r', '\n']), "{safe:?}");
            prop_assert!(!safe.starts_with('-') || is_number(&safe), "{safe:?}");
            prop_assert_eq!(unguarded(&safe), text);
        }
    }
}
