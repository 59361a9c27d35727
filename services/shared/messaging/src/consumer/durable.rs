//! A consumer's durable: made when it is not there, widened when it hears less than it should.
//!
//! It is only ever widened. The release before may still run beside this one: it must not take away what this one needs, and
//! gives back what only this one listens to.

use async_nats::jetstream::{
    consumer::{self, FromConsumer, PullConsumer, pull},
    stream::Stream,
};
use foursight_kernel::Result;

use crate::bus::unavailable;

/// The durable of this name, with all the subjects of `config`.
///
/// One that is widened goes on from where it stands. Of what it did not hear before, it hears what comes after that place.
pub(super) async fn get_or_widen(
    stream: &Stream,
    durable: &str,
    config: pull::Config,
) -> Result<PullConsumer> {
    let wanted = config.filter_subjects.clone();
    let consumer: PullConsumer = stream.get_or_create_consumer(durable, config).await.map_err(unavailable)?;
    let kept = consumer.cached_info().config.clone();
    let Some(filter_subjects) = widened(&subjects_of(&kept), &wanted) else { return Ok(consumer) };
    // All else stays as it is: JetStream lets nobody change where a durable began, and one that was set back began elsewhere.
    let config = consumer::Config { filter_subject: String::new(), filter_subjects, ..kept };
    let config = pull::Config::try_from_consumer_config(config).map_err(unavailable)?;
    // An update and nothing else: a durable that is gone now is being set back, and is not ours to make.
    let consumer = stream.update_consumer(config).await.map_err(unavailable)?;
    tracing::info!(consumer = durable, "the consumer hears more than before");
    Ok(consumer)
}

/// JetStream has one subject in a field of its own, or several. None at all are all that there are.
fn subjects_of(config: &consumer::Config) -> Vec<String> {
    match config.filter_subject.as_str() {
        "" if config.filter_subjects.is_empty() => vec![">".to_owned()],
        "" => config.filter_subjects.clone(),
        one => vec![one.to_owned()],
    }
}

/// What is heard, and what is wanted besides; `None` when all that is wanted is heard.
fn widened(heard: &[String], wanted: &[String]) -> Option<Vec<String>> {
    if wanted.iter().all(|wanted| heard.iter().any(|heard| covers(heard, wanted))) {
        return None;
    }
    let mut all: Vec<&String> = heard.iter().chain(wanted).collect();
    all.sort_unstable();
    all.dedup();
    // JetStream refuses filters of which one covers another.
    let covered = |filter: &String| all.iter().any(|other| *other != filter && covers(other, filter));
    Some(all.iter().filter(|filter| !covered(filter)).map(|filter| (*filter).clone()).collect())
}

/// Whether `wide` matches every subject that `narrow` matches.
pub(super) fn covers(wide: &str, narrow: &str) -> bool {
    let mut narrow = narrow.split('.');
    for word in wide.split('.') {
        match (word, narrow.next()) {
            (">", Some(_)) => return true,
            ("*", Some(other)) if other != ">" => {}
            (word, Some(other)) if word == other => {}
            _ => return false,
        }
    }
    narrow.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filters(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_filter_covers_what_it_matches() {
        for (wide, narrow) in [
            ("p.customer.>", "p.customer.lead_graded.*"),
            ("p.customer.>", "p.customer.>"),
            ("p.customer.*.*", "p.customer.lead_graded.*"),
            (">", "p.customer.>"),
        ] {
            assert!(covers(wide, narrow), "{wide} {narrow}");
        }
        for (wide, narrow) in [
            ("p.customer.lead_graded.*", "p.customer.>"),
            ("p.customer.>", "p.customer"),
            ("p.customer.*", "p.customer.>"),
            ("p.customer.lead_graded.*", "p.customer.lead_created.*"),
            ("p.customer.*", "p.customer.lead_graded.*"),
        ] {
            assert!(!covers(wide, narrow), "{wide} {narrow}");
        }
    }

    #[test]
    fn a_durable_is_widened_and_never_narrowed() {
        let (graded, created) = ("p.customer.lead_graded.*", "p.customer.lead_created.*");
        assert_eq!(widened(&filters(&[graded]), &filters(&[graded])), None);
        assert_eq!(widened(&filters(&[created, graded]), &filters(&[graded])), None);
        assert_eq!(widened(&filters(&["p.customer.>"]), &filters(&[graded])), None);
        assert_eq!(widened(&filters(&[graded]), &filters(&[created])), Some(filters(&[created, graded])));
        let all = filters(&["p.customer.>"]);
        assert_eq!(widened(&filters(&[created, graded]), &all), Some(all));
    }
}
