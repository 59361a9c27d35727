//! Who calls, how far the call reaches, and with which rights.

use std::sync::Arc;

use foursight_kernel::{Error, Result, StaffId, StoreId};

use crate::rights::rights_of_service;

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A member of staff.
    Staff(StaffId),
    /// One of the group's own services.
    Service(String),
}

impl Subject {
    /// As a token, an audit row or a rate limit's key names it: `staff/{id}` or `service/{name}`.
    pub fn name(&self) -> String {
        match self {
            Self::Staff(id) => id.name(),
            Self::Service(name) => format!("service/{name}"),
        }
    }
}

/// How far a caller reaches. The database enforces it on every row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// Every store: headquarters and services.
    Group,
    /// These stores only.
    Stores(Vec<StoreId>),
}

/// A caller that was authenticated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Who.
    pub subject: Subject,
    /// How far.
    pub reach: Reach,
    rights: Vec<String>,
}

impl Principal {
    /// A caller with these rights.
    pub fn new(subject: Subject, reach: Reach, rights: Vec<String>) -> Self {
        Self { subject, reach, rights }
    }

    /// A service that acts by itself: what its consumers and workers do.
    pub fn service(name: &str) -> Self {
        let rights = rights_of_service(name).iter().map(|right| (*right).to_owned()).collect();
        Self::new(Subject::Service(name.to_owned()), Reach::Group, rights)
    }

    /// Whether the caller's roles grant a right.
    pub fn has(&self, right: &str) -> bool {
        self.rights.iter().any(|granted| granted == right)
    }

    /// Whether a store is one of the caller's.
    pub fn reaches(&self, store: StoreId) -> bool {
        match &self.reach {
            Reach::Group => true,
            Reach::Stores(stores) => stores.contains(&store),
        }
    }

    /// Refuses a store that is not the caller's.
    ///
    /// # Errors
    /// `PERMISSION_DENIED` with `STORE_OUT_OF_REACH`. It says nothing about whether the store exists.
    pub fn require_store(&self, store: StoreId) -> Result<()> {
        if self.reaches(store) {
            return Ok(());
        }
        Err(Error::permission_denied("STORE_OUT_OF_REACH", "the store is not one of the caller's"))
    }

    /// The member of staff who calls; `None` for a service.
    pub fn staff(&self) -> Option<StaffId> {
        match self.subject {
            Subject::Staff(id) => Some(id),
            Subject::Service(_) => None,
        }
    }

    /// The member of staff who calls, where only a person makes sense.
    ///
    /// # Errors
    /// `PERMISSION_DENIED` with `STAFF_ONLY`.
    pub fn require_staff(&self) -> Result<StaffId> {
        self.staff()
            .ok_or_else(|| Error::permission_denied("STAFF_ONLY", "only a member of staff can do this"))
    }
}

/// The caller of a request that came through [`crate::AccessLayer`].
///
/// # Errors
/// `UNAUTHENTICATED` when the method is public and nobody signed in.
pub fn caller<T>(request: &tonic::Request<T>) -> Result<Arc<Principal>> {
    request
        .extensions()
        .get::<Arc<Principal>>()
        .cloned()
        .ok_or_else(|| Error::unauthenticated("TOKEN_MISSING", "sign in first: send an access token"))
}
