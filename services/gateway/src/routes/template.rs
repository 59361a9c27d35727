//! Path templates of `google.api.http`: `/v1/{parent=customers/*}/consents`, `/v1/{name=cases/*}:assign`.
//!
//! The grammar is the one in `google/api/http.proto`.

use thiserror::Error;

/// A path template, flattened: variables are ranges of segments.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Template {
    pub(crate) segments: Vec<Segment>,
    pub(crate) variables: Vec<Variable>,
    /// What follows the last segment after a colon.
    pub(crate) verb: Option<String>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Segment {
    Literal(String),
    /// `*`: exactly one segment.
    One,
    /// `**`: the rest of the path, possibly nothing.
    Rest,
}

/// A request field that is read from the path.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Variable {
    /// The field, with dots between nested names.
    pub(crate) field: String,
    /// The first of its segments.
    pub(crate) start: usize,
    /// One past the last of its segments.
    pub(crate) end: usize,
}

/// Why a template cannot be used; the proto is wrong, so the gateway does not start.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum TemplateError {
    #[error("a path template starts with a slash")]
    NoSlash,
    #[error("a path template has no empty segments")]
    EmptySegment,
    #[error("a variable is closed by a brace and names a field")]
    Variable,
    #[error("`**` stands at the end of a path template only")]
    RestNotLast,
}

impl Template {
    pub(crate) fn parse(text: &str) -> Result<Self, TemplateError> {
        let path = text.strip_prefix('/').ok_or(TemplateError::NoSlash)?;
        // A colon inside a variable cannot occur: field paths and segments have none.
        let (path, verb) = match path.rsplit_once(':') {
            Some((path, verb)) => (path, Some(verb.to_owned())),
            None => (path, None),
        };
        let mut template = Self { segments: Vec::new(), variables: Vec::new(), verb };
        let mut rest = path;
        loop {
            rest = template.part(rest)?;
            match rest.strip_prefix('/') {
                Some(next) => rest = next,
                None if rest.is_empty() => break,
                None => return Err(TemplateError::Variable),
            }
        }
        let last = template.segments.len() - 1;
        if template.segments[..last].contains(&Segment::Rest) {
            return Err(TemplateError::RestNotLast);
        }
        Ok(template)
    }

    /// Reads one segment or one variable, and returns what follows it.
    fn part<'t>(&mut self, text: &'t str) -> Result<&'t str, TemplateError> {
        let Some(variable) = text.strip_prefix('{') else {
            let end = text.find('/').unwrap_or(text.len());
            self.segments.push(segment(&text[..end])?);
            return Ok(&text[end..]);
        };
        let (variable, rest) = variable.split_once('}').ok_or(TemplateError::Variable)?;
        let (field, pattern) = variable.split_once('=').unwrap_or((variable, "*"));
        if field.is_empty() || field.contains('{') {
            return Err(TemplateError::Variable);
        }
        let start = self.segments.len();
        for part in pattern.split('/') {
            self.segments.push(segment(part)?);
        }
        self.variables.push(Variable { field: field.to_owned(), start, end: self.segments.len() });
        Ok(rest)
    }
}

fn segment(text: &str) -> Result<Segment, TemplateError> {
    match text {
        "" => Err(TemplateError::EmptySegment),
        "*" => Ok(Segment::One),
        "**" => Ok(Segment::Rest),
        literal if literal.contains(['{', '}', '*']) => Err(TemplateError::Variable),
        literal => Ok(Segment::Literal(literal.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn literal(text: &str) -> Segment {
        Segment::Literal(text.to_owned())
    }

    #[test]
    fn a_variable_spans_its_segments_and_the_verb_stands_apart() {
        let template = Template::parse("/v1/{parent=customers/*}/timelineEntries:export").unwrap();
        assert_eq!(
            template.segments,
            [literal("v1"), literal("customers"), Segment::One, literal("timelineEntries")]
        );
        assert_eq!(template.variables, [Variable { field: "parent".to_owned(), start: 1, end: 3 }]);
        assert_eq!(template.verb.as_deref(), Some("export"));
    }

    #[test]
    fn a_bare_variable_is_one_segment_and_a_nested_field_has_dots() {
        let template = Template::parse("/v1/{case.name}/{file=**}").unwrap();
        assert_eq!(template.segments, [literal("v1"), Segment::One, Segment::Rest]);
        assert_eq!(template.variables[0].field, "case.name");
    }

    #[test]
    fn templates_that_mean_nothing_are_refused() {
        for (text, error) in [
            ("v1", TemplateError::NoSlash),
            ("/v1//x", TemplateError::EmptySegment),
            ("/v1/{name", TemplateError::Variable),
            ("/v1/{=a/*}", TemplateError::Variable),
            ("/v1/{name=a/*}x", TemplateError::Variable),
            ("/v1/**/x", TemplateError::RestNotLast),
        ] {
            assert_eq!(Template::parse(text), Err(error), "{text}");
        }
    }
}
