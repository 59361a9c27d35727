//! Where a customer stands between the first enquiry and the next car, and what moves it. Dormant and lost follow from time
//! (`stages`), or are set by hand, with a reason (`CorrectStage`); any dealing brings the customer back.

use foursight_proto::customer::v1::LifeCycleStage;

/// A dealing that may move the stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dealing {
    /// An intention to buy was registered.
    Lead,
    /// A car was handed over.
    Delivery,
    /// A car came to the workshop.
    Visit,
    /// Somebody came into the showroom.
    Reception,
}

/// The stage after a dealing; `was` is what it was before the customer became dormant or lost.
pub(crate) fn after(stage: LifeCycleStage, was: Option<LifeCycleStage>, dealing: Dealing) -> LifeCycleStage {
    use LifeCycleStage::{Buyer, Dormant, Intention, Lost, Prospect, Service, Unspecified};
    match (dealing, stage, was) {
        (Dealing::Delivery, _, _) => Buyer,
        (Dealing::Visit, _, _) => Service,
        // An owner who looks at the next car stays an owner, and is one again.
        (Dealing::Lead | Dealing::Reception, Buyer | Service, _)
        | (Dealing::Reception, Unspecified | Prospect | Intention, _) => stage,
        (Dealing::Lead | Dealing::Reception, Dormant | Lost, Some(was @ (Buyer | Service))) => was,
        (Dealing::Lead, Unspecified | Prospect | Intention | Dormant | Lost, _) => Intention,
        (Dealing::Reception, Dormant | Lost, _) => Prospect,
    }
}

/// Whether nothing has happened with the customer for long.
pub(crate) fn is_away(stage: LifeCycleStage) -> bool {
    matches!(stage, LifeCycleStage::Dormant | LifeCycleStage::Lost)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_of_a_customer() {
        let stage = after(LifeCycleStage::Prospect, None, Dealing::Lead);
        assert_eq!(stage, LifeCycleStage::Intention);
        let stage = after(stage, None, Dealing::Delivery);
        assert_eq!(stage, LifeCycleStage::Buyer);
        assert_eq!(after(stage, None, Dealing::Lead), LifeCycleStage::Buyer);
        let stage = after(stage, None, Dealing::Visit);
        assert_eq!(stage, LifeCycleStage::Service);
        assert_eq!(after(LifeCycleStage::Lost, None, Dealing::Lead), LifeCycleStage::Intention);
    }

    #[test]
    fn every_dealing_brings_back() {
        use LifeCycleStage::{Buyer, Dormant, Intention, Lost, Prospect, Service};
        for away in [Dormant, Lost] {
            for was in [None, Some(Prospect), Some(Intention), Some(Buyer), Some(Service)] {
                for dealing in [Dealing::Lead, Dealing::Delivery, Dealing::Visit, Dealing::Reception] {
                    assert!(!is_away(after(away, was, dealing)), "{dealing:?}");
                }
            }
            assert_eq!(after(away, Some(Service), Dealing::Lead), Service);
            assert_eq!(after(away, Some(Buyer), Dealing::Reception), Buyer);
            assert_eq!(after(away, Some(Intention), Dealing::Reception), Prospect);
        }
    }
}
