//! The words of our messages, in the languages that we write.
//!
//! Templates are files of this crate: they change by review and release, and a message keeps which version it was sent with.
//! A variable that is missing is an error, never a gap in a letter. The first line of a file is the subject.

use foursight_proto::notification::v1::MessageKind;
use minijinja::{Environment, UndefinedBehavior};
use serde::{Deserialize, Serialize};

/// The language that a group writes to its customers in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// Simplified Chinese.
    #[default]
    Zh,
    /// English.
    En,
}

/// One template: raise the version whenever the words change.
struct Source {
    kind: MessageKind,
    language: Language,
    /// What a message keeps: name, language, version.
    name: &'static str,
    text: &'static str,
}

const SOURCES: [Source; 6] = [
    Source {
        kind: MessageKind::FirstService,
        language: Language::Zh,
        name: "first_service/zh/1",
        text: include_str!("files/first_service.zh.txt"),
    },
    Source {
        kind: MessageKind::FirstService,
        language: Language::En,
        name: "first_service/en/1",
        text: include_str!("files/first_service.en.txt"),
    },
    Source {
        kind: MessageKind::CaseOpened,
        language: Language::Zh,
        name: "case_opened/zh/1",
        text: include_str!("files/case_opened.zh.txt"),
    },
    Source {
        kind: MessageKind::CaseOpened,
        language: Language::En,
        name: "case_opened/en/1",
        text: include_str!("files/case_opened.en.txt"),
    },
    Source {
        kind: MessageKind::CaseClosed,
        language: Language::Zh,
        name: "case_closed/zh/1",
        text: include_str!("files/case_closed.zh.txt"),
    },
    Source {
        kind: MessageKind::CaseClosed,
        language: Language::En,
        name: "case_closed/en/1",
        text: include_str!("files/case_closed.en.txt"),
    },
];

/// What the words are made of. The name is the customer's: this lives for the moment of sending only.
#[derive(Serialize)]
pub(crate) struct Variables<'a> {
    /// The name to greet with.
    pub(crate) name: &'a str,
    /// The store that signs.
    pub(crate) store: &'a str,
    /// The case's number, where the message is about a case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) case_number: Option<&'a str>,
}

/// A message in words. It has no `Debug`, because it names the customer.
pub(crate) struct Words {
    pub(crate) subject: String,
    pub(crate) body: String,
    /// Which template it was: name, language, version.
    pub(crate) template: &'static str,
}

/// All templates, read and checked.
#[derive(Debug)]
pub(crate) struct Templates {
    environment: Environment<'static>,
}

impl Templates {
    /// Reads all templates.
    pub(crate) fn new() -> Result<Self, minijinja::Error> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        for source in &SOURCES {
            let (subject, body) = source.text.split_once("\n\n").unwrap_or((source.text, ""));
            environment.add_template_owned(subject_of(source), subject)?;
            environment.add_template_owned(body_of(source), body)?;
        }
        Ok(Self { environment })
    }

    /// Puts a message into words.
    pub(crate) fn render(
        &self,
        kind: MessageKind,
        language: Language,
        variables: &Variables<'_>,
    ) -> Result<Words, minijinja::Error> {
        let source = SOURCES
            .iter()
            .find(|source| source.kind == kind && source.language == language)
            .ok_or(minijinja::ErrorKind::TemplateNotFound)?;
        let variables = minijinja::Value::from(minijinja::value::Serde(variables));
        Ok(Words {
            subject: self.environment.get_template(&subject_of(source))?.render(&variables)?,
            body: self.environment.get_template(&body_of(source))?.render(&variables)?,
            template: source.name,
        })
    }
}

/// The names end so that minijinja takes them for plain text, which needs no escapes.
fn subject_of(source: &Source) -> String {
    format!("{}/subject.txt", source.name)
}

fn body_of(source: &Source) -> String {
    format!("{}/body.txt", source.name)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_template_says_who_about_what_and_who_signs() {
        let templates = Templates::new().unwrap();
        for source in &SOURCES {
            let about_case = source.kind != MessageKind::FirstService;
            let variables = Variables {
                name: "Wei <Example> & Co",
                store: "远望示范店",
                case_number: about_case.then_some("SH01-2026-000042"),
            };
            let words = templates.render(source.kind, source.language, &variables).unwrap();
            assert!(words.body.contains("Wei <Example> & Co"), "plain text is not escaped: {}", source.name);
            assert!(words.subject.contains("远望示范店") && words.body.ends_with("远望示范店"));
            assert_eq!(words.subject.contains("SH01-2026-000042"), about_case);
            assert!(!words.subject.contains('\n'));
            assert_eq!(words.template, source.name);
        }
    }

    #[test]
    fn a_missing_variable_is_an_error_and_no_gap() {
        let variables = Variables { name: "Wei Example", store: "远望示范店", case_number: None };
        let words = Templates::new().unwrap().render(MessageKind::CaseOpened, Language::Zh, &variables);
        assert!(words.is_err());
    }

    proptest! {
        /// A name is data: whatever it looks like, it stands in the letter as it is.
        #[test]
        fn a_name_is_never_taken_for_a_template(name in "[a-z{}% |.<>&\"']{1,40}") {
            let variables = Variables { name: &name, store: "s", case_number: None };
            let words = Templates::new().unwrap().render(MessageKind::FirstService, Language::En, &variables).unwrap();
            let greeting = format!("Dear {name},");
            prop_assert!(words.body.contains(&greeting));
        }
    }
}
