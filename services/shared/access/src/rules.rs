//! The protos' access rules, read once from the descriptors.

use std::collections::HashMap;

use foursight_proto::access::v1::Scope;
use prost_reflect::{DynamicMessage, Value};

/// What a caller needs for one method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The right that the caller must have; empty where the scope alone decides.
    pub right: String,
    /// Another right that opens the method for a part of what it does; its handler refuses the rest. Empty for most.
    pub right_in_part: String,
    /// How far the call reaches.
    pub scope: Scope,
}

/// The rule of every method, by its path `/package.Service/Method`.
#[derive(Debug)]
pub struct Rules(HashMap<String, Rule>);

impl Rule {
    /// Whether somebody's rights open the method, or a part of it.
    pub fn opens_with(&self, has: impl Fn(&str) -> bool) -> bool {
        has(&self.right) || (!self.right_in_part.is_empty() && has(&self.right_in_part))
    }
}

impl Rules {
    /// Reads the rules of all our services. A method without one is not in here, and so is refused.
    pub fn from_protos() -> Self {
        let pool = foursight_proto::descriptors();
        let Some(extension) = pool.get_extension_by_name("foursight.access.v1.rule") else {
            return Self(HashMap::new());
        };
        let methods = pool.services().flat_map(|service| service.methods().collect::<Vec<_>>());
        let rules = methods.filter_map(|method| {
            let options = method.options();
            if !options.has_extension(&extension) {
                return None;
            }
            let rule = read(options.get_extension(&extension).as_message()?)?;
            Some((format!("/{}/{}", method.parent_service().full_name(), method.name()), rule))
        });
        Self(rules.collect())
    }

    /// The rule of a method.
    pub fn of(&self, path: &str) -> Option<&Rule> {
        self.0.get(path)
    }

    /// Every method that has a rule.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Rule)> {
        self.0.iter().map(|(path, rule)| (path.as_str(), rule))
    }
}

fn read(message: &DynamicMessage) -> Option<Rule> {
    let right = message.get_field_by_name("right").and_then(|value| value.as_str().map(str::to_owned))?;
    let in_part = message.get_field_by_name("right_in_part");
    let right_in_part = in_part.and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default();
    let scope = message.get_field_by_name("scope").as_deref().and_then(Value::as_enum_number)?;
    let scope = Scope::try_from(scope).ok().filter(|scope| *scope != Scope::Unspecified)?;
    Some(Rule { right, right_in_part, scope })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_of_ours_has_a_rule_that_makes_sense() {
        let rules = Rules::from_protos();
        let ours =
            foursight_proto::descriptors().services().filter(|s| s.full_name().starts_with("foursight."));
        for method in ours.flat_map(|service| service.methods().collect::<Vec<_>>()) {
            let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
            let Some(rule) = rules.of(&path) else { panic!("{path} has no access rule") };
            let by_right = matches!(rule.scope, Scope::Store | Scope::Group);
            assert_eq!(
                by_right,
                !rule.right.is_empty(),
                "{path}: a right belongs to the scopes STORE and GROUP"
            );
        }
    }
}
