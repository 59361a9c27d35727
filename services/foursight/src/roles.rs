//! The roles that the program can run.

use std::sync::Arc;

use foursight_analytics::AnalyticsRole;
use foursight_complaint::ComplaintRole;
use foursight_customer::CustomerRole;
use foursight_gateway::GatewayRole;
use foursight_identity::IdentityRole;
use foursight_notification::NotificationRole;
use foursight_runtime::Role;

/// Every role, in the order in which they are migrated and started.
pub fn all() -> Vec<Arc<dyn Role>> {
    vec![
        Arc::new(IdentityRole),
        Arc::new(CustomerRole),
        Arc::new(NotificationRole),
        Arc::new(ComplaintRole),
        Arc::new(AnalyticsRole),
        Arc::new(GatewayRole),
    ]
}

/// The role of a name.
pub fn named(name: &str) -> Option<Arc<dyn Role>> {
    all().into_iter().find(|role| role.name() == name)
}
