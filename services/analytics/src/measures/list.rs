//! `ListMeasures`: the definitions.

use foursight_proto::analytics::v1::{ListMeasuresResponse, Measure};

use super::definitions;

pub(super) fn list() -> ListMeasuresResponse {
    let measures = definitions::ALL.iter().map(|definition| Measure {
        name: definition.name(),
        display_name: definition.display_name.to_owned(),
        display_name_en: definition.display_name_en.to_owned(),
        definition: definition.words.to_owned(),
        unit: definition.unit.to_owned(),
    });
    ListMeasuresResponse { measures: measures.collect() }
}
