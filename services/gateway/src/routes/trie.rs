//! Finds the route of a path: one step for each segment, literals before wildcards.

use std::collections::HashMap;

use http::Method;

use super::template::{Segment, Template};

/// Longer paths have no route; the bound keeps the match on the stack.
const MAX_SEGMENTS: usize = 16;

/// Routes by path; `R` is what a route leads to.
#[derive(Debug)]
pub(crate) struct Trie<R> {
    root: Node<R>,
}

#[derive(Debug)]
struct Node<R> {
    literals: HashMap<Box<str>, Node<R>>,
    one: Option<Box<Node<R>>>,
    ends: Ends<R>,
    /// Routes whose `**` takes everything from here on.
    rest: Ends<R>,
}

type Ends<R> = Vec<End<R>>;

#[derive(Debug)]
struct End<R> {
    verb: Option<Box<str>>,
    method: Method,
    route: R,
}

/// What a path leads to.
#[derive(Debug, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "lives on the stack for one look-up; a box would cost every request"
)]
pub(crate) enum Match<'t, 'p, R> {
    Found {
        route: &'t R,
        segments: Segments<'p>,
    },
    /// The path exists, with these methods.
    WrongMethod(Vec<&'t Method>),
    Unknown,
}

/// The path in pieces, without the verb.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub(crate) struct Segments<'p> {
    pieces: [&'p str; MAX_SEGMENTS],
    count: usize,
}

impl<'p> Segments<'p> {
    fn split(path: &'p str) -> Option<Self> {
        let mut segments = Self { pieces: [""; MAX_SEGMENTS], count: 0 };
        for piece in path.strip_prefix('/')?.split('/') {
            *segments.pieces.get_mut(segments.count)? = piece;
            segments.count += 1;
        }
        Some(segments)
    }

    /// Of a variable; `end` beyond the path means "to its end".
    pub(crate) fn range(&self, start: usize, end: usize) -> &[&'p str] {
        &self.pieces[start.min(self.count)..end.min(self.count)]
    }

    fn all(&self) -> &[&'p str] {
        &self.pieces[..self.count]
    }
}

impl<R> Default for Node<R> {
    fn default() -> Self {
        Self { literals: HashMap::new(), one: None, ends: Vec::new(), rest: Vec::new() }
    }
}

impl<R> Trie<R> {
    pub(crate) fn new() -> Self {
        Self { root: Node::default() }
    }

    /// False when the same method and path lead somewhere already.
    pub(crate) fn insert(&mut self, method: Method, template: &Template, route: R) -> bool {
        let mut node = &mut self.root;
        let mut to_the_end = false;
        for segment in &template.segments {
            node = match segment {
                Segment::Literal(text) => node.literals.entry(text.as_str().into()).or_default(),
                Segment::One => node.one.get_or_insert_default(),
                Segment::Rest => {
                    to_the_end = true;
                    node
                }
            };
        }
        let ends = if to_the_end { &mut node.rest } else { &mut node.ends };
        let verb = template.verb.as_deref();
        if ends.iter().any(|end| end.method == method && end.verb.as_deref() == verb) {
            return false;
        }
        ends.push(End { verb: verb.map(Into::into), method, route });
        true
    }

    /// `path` is the raw path: an encoded colon is part of an id, never the start of a verb.
    pub(crate) fn find<'t, 'p>(&'t self, method: &Method, path: &'p str) -> Match<'t, 'p, R> {
        let (bare, verb) = match path.rfind(':') {
            Some(colon) if !path[colon..].contains('/') => (&path[..colon], Some(&path[colon + 1..])),
            _ => (path, None),
        };
        let mut allowed = Vec::new();
        if let Some(segments) = Segments::split(bare) {
            let mut search = Search { method, verb, allowed: &mut allowed };
            if let Some(route) = search.from(&self.root, segments.all()) {
                return Match::Found { route, segments };
            }
        }
        if allowed.is_empty() { Match::Unknown } else { Match::WrongMethod(allowed) }
    }
}

struct Search<'s, 't> {
    method: &'s Method,
    verb: Option<&'s str>,
    allowed: &'s mut Vec<&'t Method>,
}

impl<'t> Search<'_, 't> {
    fn from<R>(&mut self, node: &'t Node<R>, segments: &[&str]) -> Option<&'t R> {
        let found = match segments.split_first() {
            None => self.end(&node.ends),
            Some((segment, after)) => {
                node.literals.get(*segment).and_then(|next| self.from(next, after)).or_else(|| {
                    node.one
                        .as_deref()
                        .filter(|_| !segment.is_empty())
                        .and_then(|next| self.from(next, after))
                })
            }
        };
        found.or_else(|| self.end(&node.rest))
    }

    fn end<R>(&mut self, ends: &'t [End<R>]) -> Option<&'t R> {
        let here = ends.iter().filter(|end| end.verb.as_deref() == self.verb);
        for end in here {
            if end.method == *self.method {
                return Some(&end.route);
            }
            if !self.allowed.contains(&&end.method) {
                self.allowed.push(&end.method);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use proptest::prelude::*;

    use super::*;

    fn trie() -> Trie<&'static str> {
        let mut trie = Trie::new();
        for (method, path) in [
            (Method::GET, "/v1/me"),
            (Method::GET, "/v1/{name=customers/*}"),
            (Method::GET, "/v1/customers"),
            (Method::POST, "/v1/customers"),
            (Method::POST, "/v1/{name=customers/*}:reveal"),
            (Method::GET, "/v1/{parent=customers/*}/consents"),
            (Method::GET, "/v1/{any=**}"),
        ] {
            assert!(trie.insert(method, &Template::parse(path).unwrap(), path));
        }
        trie
    }

    fn find(method: &Method, path: &str) -> Option<&'static str> {
        match trie().find(method, path) {
            Match::Found { route, .. } => Some(route),
            _ => None,
        }
    }

    #[test]
    fn literals_come_before_wildcards_and_verbs_are_kept_apart() {
        assert_eq!(find(&Method::GET, "/v1/me"), Some("/v1/me"));
        assert_eq!(find(&Method::GET, "/v1/customers/7"), Some("/v1/{name=customers/*}"));
        assert_eq!(find(&Method::POST, "/v1/customers/7:reveal"), Some("/v1/{name=customers/*}:reveal"));
        assert_eq!(find(&Method::GET, "/v1/customers/7/consents"), Some("/v1/{parent=customers/*}/consents"));
        assert_eq!(find(&Method::GET, "/v1/elsewhere/a/b"), Some("/v1/{any=**}"));
        assert_eq!(find(&Method::POST, "/v1/customers/7:erase"), None);
    }

    #[test]
    fn a_wrong_method_names_the_right_ones() {
        let trie = trie();
        let Match::WrongMethod(allowed) = trie.find(&Method::DELETE, "/v1/customers") else {
            panic!("found")
        };
        assert_eq!(allowed, [&Method::GET, &Method::POST]);
    }

    #[test]
    fn the_same_path_twice_is_noticed() {
        assert!(!trie().insert(Method::GET, &Template::parse("/v1/{parent=customers/*}").unwrap(), "again"));
    }

    proptest! {
        #[test]
        fn any_path_is_answered(path in "[/a-z:%*{}]{0,60}") {
            let trie = trie();
            let _ = trie.find(&Method::GET, &path);
        }
    }
}
