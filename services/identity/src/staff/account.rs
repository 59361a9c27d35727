//! The rules for logins and first passwords.

use foursight_kernel::Violations;

/// Shortest and longest password, in characters.
const PASSWORD: std::ops::RangeInclusive<usize> = 12..=200;
const LONGEST_LOGIN: usize = 64;

/// The one spelling of a login: it is not case-sensitive.
pub(crate) fn normal_login(login: &str) -> String {
    login.trim().to_lowercase()
}

/// Checks a new login: 2 to 64 of `a-z 0-9 . _ @ -`, beginning with a letter or digit. Capitals become small.
pub(crate) fn check_login(v: &mut Violations, field: &str, login: &str) -> String {
    let login = normal_login(login);
    let simple = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if login.is_empty() {
        v.push(field, "is required");
    } else if !(2..=LONGEST_LOGIN).contains(&login.len())
        || !login.starts_with(simple)
        || !login.chars().all(|c| simple(c) || matches!(c, '.' | '_' | '@' | '-'))
    {
        v.push(field, "must be 2 to 64 letters a-z, digits, or . _ @ -, and begin with a letter or digit");
    }
    login
}

/// Checks a new password; blanks at its ends count.
pub(crate) fn check_password(v: &mut Violations, field: &str, password: &str) {
    if !PASSWORD.contains(&password.chars().count()) {
        v.push(field, format!("must have {} to {} characters", PASSWORD.start(), PASSWORD.end()));
    } else if password.chars().any(char::is_control) {
        v.push(field, "must not contain control characters");
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn login_is_fine(login: &str) -> bool {
        let mut v = Violations::default();
        check_login(&mut v, "login", login);
        v.is_empty()
    }

    fn password_is_fine(password: &str) -> bool {
        let mut v = Violations::default();
        check_password(&mut v, "password", password);
        v.is_empty()
    }

    #[test]
    fn a_login_is_kept_in_small_letters() {
        let mut v = Violations::default();
        assert_eq!(check_login(&mut v, "login", " Lan.Bo@SH01 "), "lan.bo@sh01");
        assert!(v.is_empty());
    }

    #[test]
    fn strange_logins_are_refused() {
        for login in ["", "a", ".ab", "李雷", "a b", "a\0b", &"a".repeat(65)] {
            assert!(!login_is_fine(login), "{login:?}");
        }
    }

    #[test]
    fn a_password_is_counted_in_characters() {
        assert!(password_is_fine("一二三四五六七八九十甲乙"));
        assert!(!password_is_fine("一二三四五六七八九十甲"));
        assert!(password_is_fine(&"é".repeat(200)));
        assert!(!password_is_fine(&"é".repeat(201)));
        assert!(!password_is_fine("twelve chars\0"));
    }

    proptest! {
        /// What the check lets pass is what the table's constraint lets pass.
        #[test]
        fn a_login_that_passes_fits_the_row(login in ".{0,70}") {
            if login_is_fine(&login) {
                let kept = normal_login(&login);
                prop_assert!((2..=64).contains(&kept.len()));
                prop_assert!(kept.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._@-".contains(&b)));
                prop_assert!(kept.as_bytes()[0].is_ascii_alphanumeric());
            }
        }

        #[test]
        fn any_printable_password_of_the_right_length_is_fine(password in "[ -~]{12,200}") {
            prop_assert!(password_is_fine(&password));
        }
    }
}
