//! Where a customer stands between the first enquiry and the next car, and what moves it. Dormant and lost are
//! set by hand, with a reason (`CorrectStage`); any dealing brings the customer back.

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
}

/// The stage after a dealing.
pub(crate) fn after(stage: LifeCycleStage, dealing: Dealing) -> LifeCycleStage {
    use LifeCycleStage::{Buyer, Dormant, Intention, Lost, Prospect, Service, Unspecified};
    match (dealing, stage) {
        (Dealing::Delivery, _) => Buyer,
        (Dealing::Visit, _) => Service,
        // An owner who looks at the next car stays an owner.
        (Dealing::Lead, Buyer | Service) => stage,
        (Dealing::Lead, Unspecified | Prospect | Intention | Dormant | Lost) => Intention,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_of_a_customer() {
        let stage = after(LifeCycleStage::Prospect, Dealing::Lead);
        assert_eq!(stage, LifeCycleStage::Intention);
        let stage = after(stage, Dealing::Delivery);
        assert_eq!(stage, LifeCycleStage::Buyer);
        assert_eq!(after(stage, Dealing::Lead), LifeCycleStage::Buyer);
        let stage = after(stage, Dealing::Visit);
        assert_eq!(stage, LifeCycleStage::Service);
        assert_eq!(after(LifeCycleStage::Lost, Dealing::Lead), LifeCycleStage::Intention);
    }
}
