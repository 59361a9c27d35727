//! The methods of the API and the routes that lead to them, read from the descriptors once.

use std::collections::HashMap;

use foursight_access::rules::Rules;
use http::Method;
use prost_reflect::{DescriptorPool, DynamicMessage, MethodDescriptor};
use thiserror::Error;

use super::{
    annotations::{http_rules, pattern, scope, text},
    template::{Template, TemplateError, Variable},
    trie::{Match, Trie},
};
use crate::{
    schema::{Kind, MessageId, Schema},
    stream::Form,
};

/// Everything that can be called from outside, and how.
#[derive(Debug)]
pub(crate) struct RouteTable {
    pub(crate) methods: Vec<MethodInfo>,
    pub(crate) routes: Vec<Route>,
    by_grpc_path: HashMap<String, usize>,
    by_http_path: Trie<usize>,
}

/// One method.
#[derive(Debug)]
pub(crate) struct MethodInfo {
    pub(crate) descriptor: MethodDescriptor,
    /// `/foursight.customer.v1.CustomerService/GetCustomer`
    pub(crate) grpc_path: http::uri::PathAndQuery,
    /// The service that answers: `customer`.
    pub(crate) peer: String,
    pub(crate) scope: Scope,
    /// The right that the caller needs; empty where the scope alone decides.
    pub(crate) right: String,
    /// The right that is enough for a part of it; mostly empty.
    pub(crate) right_in_part: String,
    pub(crate) input: MessageId,
    pub(crate) output: MessageId,
    /// How its messages go out, where it answers with many.
    pub(crate) streams: Option<Form>,
    /// Where it takes everything in its body, such as `POST /v1/customers:search`.
    pub(crate) by_body: Option<String>,
    /// The number of the field `request_id`, where creation is idempotent.
    pub(crate) request_id: Option<u32>,
}

/// How far a method reaches, as its rule says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Nobody may call it from outside: no rule, or for the group's own services.
    Closed,
    /// Anybody, without a token.
    Public,
    /// Whoever has a token and, if one is named, the right.
    Token,
}

/// One path that leads to a method by JSON.
#[derive(Debug)]
pub(crate) struct Route {
    /// In [`RouteTable::methods`].
    pub(crate) method: usize,
    pub(crate) http_method: Method,
    /// The template's text.
    pub(crate) path: String,
    pub(crate) template: Template,
    pub(crate) variables: Vec<Bound>,
    /// The proto's names of the fields in the path.
    pub(crate) bound: Vec<Box<str>>,
    pub(crate) body: BodyRule,
    /// Whether it is an additional binding: the method has a first path.
    pub(crate) further: bool,
}

/// A field that the path gives.
#[derive(Debug)]
pub(crate) struct Bound {
    /// The messages around it, from the request inwards.
    pub(crate) around: Vec<u32>,
    pub(crate) number: u32,
    pub(crate) kind: Kind,
    pub(crate) personal: bool,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// What a route's body holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum BodyRule {
    Nothing,
    Everything,
    /// The index of one of the request's fields.
    Field(usize),
}

/// A proto says something that the gateway cannot do; it does not start.
#[derive(Debug, Error)]
pub(crate) enum TableError {
    #[error("{method}: {source}")]
    Template { method: String, source: TemplateError },
    #[error("{method}: `{field}` is not a field of the request that a path or body can give")]
    Field { method: String, field: String },
    #[error("{method}: `{field}` may hold personal data, which does not belong in a path")]
    Personal { method: String, field: String },
    #[error("{method}: the path `{path}` leads to another method already")]
    Twice { method: String, path: String },
    #[error("{method}: an HTTP rule has no path")]
    NoPath { method: String },
    #[error("{method}: streams of requests cannot be transcoded to JSON")]
    Streaming { method: String },
    #[error("{method}: the name cannot be a path")]
    Name { method: String },
}

impl RouteTable {
    /// Reads the methods of every service in our packages.
    pub(crate) fn build(pool: &DescriptorPool, schema: &Schema) -> Result<Self, TableError> {
        let mut table = Self {
            methods: Vec::new(),
            routes: Vec::new(),
            by_grpc_path: HashMap::new(),
            by_http_path: Trie::new(),
        };
        let rules = Rules::from_protos();
        for method in pool.services().flat_map(|service| service.methods().collect::<Vec<_>>()) {
            table.add(pool, schema, &rules, &method)?;
        }
        Ok(table)
    }

    /// The method and its place in [`Self::methods`].
    pub(crate) fn by_grpc_path(&self, path: &str) -> Option<(usize, &MethodInfo)> {
        self.by_grpc_path.get(path).map(|index| (*index, &self.methods[*index]))
    }

    pub(crate) fn by_http_path<'t, 'p>(&'t self, method: &Method, path: &'p str) -> Match<'t, 'p, usize> {
        self.by_http_path.find(method, path)
    }

    fn add(
        &mut self,
        pool: &DescriptorPool,
        schema: &Schema,
        rules: &Rules,
        method: &MethodDescriptor,
    ) -> Result<(), TableError> {
        let name = method.full_name().to_owned();
        let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
        let grpc_path = path.parse().map_err(|_| TableError::Name { method: name.clone() })?;
        let (Some(input), Some(output)) =
            (schema.find(method.input().full_name()), schema.find(method.output().full_name()))
        else {
            return Err(TableError::Name { method: name });
        };
        let rule = rules.of(&path);
        let scope = scope(rule);
        let (right, right_in_part) =
            rule.map(|rule| (rule.right.clone(), rule.right_in_part.clone())).unwrap_or_default();
        let index = self.methods.len();
        self.by_grpc_path.insert(path, index);
        self.methods.push(MethodInfo {
            grpc_path,
            peer: name.split('.').nth(1).unwrap_or_default().to_owned(),
            scope,
            right,
            right_in_part,
            by_body: None,
            streams: method.is_server_streaming().then(|| match method.output().full_name() {
                "google.api.HttpBody" => Form::File,
                _ => Form::Lines(output),
            }),
            input,
            output,
            request_id: schema
                .message(input)
                .field("request_id")
                .filter(|field| field.kind == Kind::String)
                .map(|field| field.number),
            descriptor: method.clone(),
        });
        if scope == Scope::Closed {
            return Ok(());
        }
        for http in http_rules(pool, method) {
            if method.is_client_streaming() {
                return Err(TableError::Streaming { method: name });
            }
            self.add_route(schema, index, &name, &http)?;
        }
        Ok(())
    }

    fn add_route(
        &mut self,
        schema: &Schema,
        method: usize,
        name: &str,
        http: &DynamicMessage,
    ) -> Result<(), TableError> {
        let (http_method, path) =
            pattern(http).ok_or_else(|| TableError::NoPath { method: name.to_owned() })?;
        let template = Template::parse(&path)
            .map_err(|source| TableError::Template { method: name.to_owned(), source })?;
        let missing = |field: &str| TableError::Field { method: name.to_owned(), field: field.to_owned() };
        let input = self.methods[method].input;
        let variables = template
            .variables
            .iter()
            .map(|variable| bound(schema, input, variable).ok_or_else(|| missing(&variable.field)))
            .collect::<Result<Vec<_>, _>>()?;
        if let Some(place) = variables.iter().position(|variable| variable.personal) {
            let field = template.variables[place].field.clone();
            return Err(TableError::Personal { method: name.to_owned(), field });
        }
        let body = match &*text(http, "body") {
            "" => BodyRule::Nothing,
            "*" => {
                self.methods[method].by_body = Some(format!("{http_method} {path}"));
                BodyRule::Everything
            }
            field => BodyRule::Field(schema.message(input).field_index(field).ok_or_else(|| missing(field))?),
        };
        let index = self.routes.len();
        if !self.by_http_path.insert(http_method.clone(), &template, index) {
            return Err(TableError::Twice { method: name.to_owned(), path });
        }
        let bound = template.variables.iter().map(|variable| variable.field.as_str().into()).collect();
        let further = self.routes.last().is_some_and(|last| last.method == method);
        self.routes.push(Route { method, http_method, path, template, variables, bound, body, further });
        Ok(())
    }
}

/// Where the variable's value goes; none when no single text can be its value.
fn bound(schema: &Schema, request: MessageId, variable: &Variable) -> Option<Bound> {
    let mut plan = schema.message(request);
    let mut around = Vec::new();
    let mut personal = false;
    let mut names = variable.field.split('.').peekable();
    loop {
        let field = plan.field(names.next()?)?;
        personal |= field.personal;
        match (names.peek(), field.kind) {
            (None, kind) => {
                let (start, end) = (variable.start, variable.end);
                return Some(Bound { around, number: field.number, kind, personal, start, end });
            }
            (Some(_), Kind::Message(id)) => {
                around.push(field.number);
                plan = schema.message(id);
            }
            (Some(_), _) => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn table() -> RouteTable {
        let pool = foursight_proto::descriptors();
        RouteTable::build(pool, &Schema::compile(pool)).unwrap()
    }

    #[test]
    fn every_annotated_method_has_its_route_and_no_internal_one_has() {
        let table = table();
        let pool = foursight_proto::descriptors();
        for method in &table.methods {
            let routes =
                table.routes.iter().filter(|route| table.methods[route.method].grpc_path == method.grpc_path);
            let annotated = http_rules(pool, &method.descriptor).len();
            let expected = if method.scope == Scope::Closed { 0 } else { annotated };
            assert_eq!(routes.count(), expected, "{}", method.grpc_path);
        }
        assert!(table.methods.iter().any(|method| method.scope == Scope::Closed));
        assert!(table.routes.len() > 30);
    }

    #[test]
    fn a_method_knows_its_peer_and_its_idempotency() {
        let table = table();
        let (_, create) = table.by_grpc_path("/foursight.complaint.v1.CaseService/CreateCase").unwrap();
        assert_eq!(
            (create.peer.as_str(), create.request_id, create.scope),
            ("complaint", Some(2), Scope::Token)
        );
        assert_eq!(create.right, "complaint.write");
        let (_, step) = table.by_grpc_path("/foursight.complaint.v1.CaseService/HandleCase").unwrap();
        assert_eq!(step.request_id, Some(6), "a step is taken once, too");
        let (_, token) = table.by_grpc_path("/foursight.identity.v1.TokenService/CreateToken").unwrap();
        assert_eq!((token.peer.as_str(), token.request_id, token.scope), ("identity", None, Scope::Public));
    }
}
