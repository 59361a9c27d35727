//! What several events of a batch tell of one thing: the newest counts.

use std::collections::BTreeMap;

/// What was told with the highest version; nothing at first.
pub(super) struct Newest<T>(Option<(i64, T)>);

impl<T> Newest<T> {
    pub(super) fn tell(&mut self, version: i64, told: T) {
        if self.version().is_none_or(|known| known < version) {
            self.0 = Some((version, told));
        }
    }

    pub(super) fn version(&self) -> Option<i64> {
        self.0.as_ref().map(|(version, _)| *version)
    }

    pub(super) fn told(&self) -> Option<&T> {
        self.0.as_ref().map(|(_, told)| told)
    }
}

impl<T> Default for Newest<T> {
    fn default() -> Self {
        Self(None)
    }
}

/// Things of which one kind of event tells. By their ids in order, so that two batches lock the rows in the same order and
/// never wait for each other in a ring.
pub(super) struct NewestById<I, T>(BTreeMap<I, Newest<T>>);

impl<I: Ord, T> NewestById<I, T> {
    pub(super) fn tell(&mut self, id: I, version: i64, told: T) {
        self.0.entry(id).or_default().tell(version, told);
    }

    /// Each thing once: its id, the version, and what was told with it.
    pub(super) fn into_rows(self) -> impl Iterator<Item = (I, i64, T)> {
        self.0.into_iter().filter_map(|(id, newest)| newest.0.map(|(version, told)| (id, version, told)))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<I, T> Default for NewestById<I, T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}
