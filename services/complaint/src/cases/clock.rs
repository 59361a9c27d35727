//! The clocks of a case: which run, when each is due, and how it ends. Pure.
//!
//! First reply within 2 working hours on the store's calendar, handled within 48 h, result told within 72 h, re-visit
//! within 3 days of the result; the numbers are the policy's. The clocks are independent of each other.

use std::time::Duration;

use foursight_kernel::Result;
use foursight_proto::complaint::v1::{CaseKind, ClockKind, ClockState};
use jiff::Timestamp;

use crate::stores::Hours;

/// How long each clock runs, by one version of the policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Policy {
    pub(crate) version: i32,
    /// Working time; around the clock for a rescue.
    pub(crate) first_reply: Duration,
    pub(crate) handling: Duration,
    pub(crate) result: Duration,
    /// From the telling of the result.
    pub(crate) revisit: Duration,
}

/// One deadline of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Clock {
    pub(crate) kind: ClockKind,
    pub(crate) state: ClockState,
    /// The loop that it belongs to, from 1.
    pub(crate) round: i32,
    pub(crate) start: Timestamp,
    /// The last instant at which it can be met in time.
    pub(crate) due: Timestamp,
    pub(crate) met: Option<Timestamp>,
    pub(crate) explanation: String,
    pub(crate) policy_version: i32,
}

/// A deadline that passed before what it waits for was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Breach {
    pub(crate) kind: ClockKind,
    pub(crate) round: i32,
    pub(crate) due: Timestamp,
}

/// What clocks are started with.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    pub(crate) policy: Policy,
    pub(crate) hours: Hours,
}

impl Rules {
    /// The clocks that start when a case is taken.
    pub(crate) fn at_opening(&self, kind: CaseKind, now: Timestamp) -> Result<Vec<Clock>> {
        let mut clocks = vec![self.start(kind, ClockKind::FirstReply, 1, now)?];
        clocks.extend(self.of_round(kind, 1, now)?);
        Ok(clocks)
    }

    /// The clocks that start with each loop.
    pub(crate) fn of_round(&self, kind: CaseKind, round: i32, now: Timestamp) -> Result<Vec<Clock>> {
        let kinds: &[ClockKind] = match kind {
            CaseKind::Complaint
            | CaseKind::ComplaintInWaiting
            | CaseKind::Enquiry
            | CaseKind::RoadsideRescue => &[ClockKind::Handling, ClockKind::Result],
            // Somebody answers; nothing has to be put right by a date.
            CaseKind::Suggestion | CaseKind::Praise | CaseKind::Unspecified => &[],
        };
        kinds.iter().map(|clock| self.start(kind, *clock, round, now)).collect()
    }

    /// The clock that starts when the result was told, for kinds in which something went wrong.
    pub(crate) fn at_result(&self, kind: CaseKind, round: i32, now: Timestamp) -> Result<Option<Clock>> {
        match kind {
            CaseKind::Complaint | CaseKind::ComplaintInWaiting | CaseKind::RoadsideRescue => {
                self.start(kind, ClockKind::Revisit, round, now).map(Some)
            }
            CaseKind::Enquiry | CaseKind::Suggestion | CaseKind::Praise | CaseKind::Unspecified => Ok(None),
        }
    }

    fn start(&self, case: CaseKind, kind: ClockKind, round: i32, now: Timestamp) -> Result<Clock> {
        let due = match kind {
            // Rescue runs around the clock.
            ClockKind::FirstReply if case == CaseKind::RoadsideRescue => {
                self.hours.add_elapsed(now, self.policy.first_reply)?
            }
            ClockKind::FirstReply | ClockKind::Unspecified => {
                self.hours.add_working(now, self.policy.first_reply)?
            }
            ClockKind::Handling => self.hours.add_elapsed(now, self.policy.handling)?,
            ClockKind::Result => self.hours.add_elapsed(now, self.policy.result)?,
            ClockKind::Revisit => self.hours.add_elapsed(now, self.policy.revisit)?,
        };
        Ok(Clock {
            kind,
            state: ClockState::Running,
            round,
            start: now,
            due: due.at,
            met: None,
            explanation: due.explanation,
            policy_version: self.policy.version,
        })
    }
}

impl Clock {
    /// Whether what it waits for is still to be done, in time or late.
    pub(crate) fn waits(&self) -> bool {
        self.met.is_none()
    }

    /// What it waits for was done. A clock that was met keeps its time. Gives the breach that nobody had noticed yet.
    pub(crate) fn meet(&mut self, now: Timestamp) -> Option<Breach> {
        if !self.waits() {
            return None;
        }
        let breach = self.breach(now);
        self.met = Some(now);
        if self.state == ClockState::Running {
            self.state = ClockState::Met;
        }
        breach
    }

    /// Marks it as breached when its deadline has passed unmet; once.
    pub(crate) fn breach(&mut self, now: Timestamp) -> Option<Breach> {
        if self.state != ClockState::Running || now <= self.due {
            return None;
        }
        self.state = ClockState::Breached;
        Some(Breach { kind: self.kind, round: self.round, due: self.due })
    }
}

/// The earliest deadline that still waits, overdue ones included.
pub(crate) fn next_due(clocks: &[Clock]) -> Option<Timestamp> {
    clocks.iter().filter(|clock| clock.waits()).map(|clock| clock.due).min()
}

#[cfg(test)]
pub(crate) mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use jiff::SignedDuration;

    use super::*;

    pub(crate) fn rules() -> Rules {
        let hours = Duration::from_hours;
        let policy = Policy {
            version: 1,
            first_reply: hours(2),
            handling: hours(48),
            result: hours(72),
            revisit: hours(72),
        };
        Rules { policy, hours: Hours::stand_in().unwrap() }
    }

    fn due_of(kind: CaseKind, start: &str) -> Vec<(ClockKind, String)> {
        let zone = jiff::tz::TimeZone::get("Asia/Shanghai").unwrap();
        let clocks = rules().at_opening(kind, start.parse().unwrap()).unwrap();
        clocks
            .into_iter()
            .map(|clock| (clock.kind, clock.due.to_zoned(zone.clone()).strftime("%d %H:%M").to_string()))
            .collect()
    }

    #[test]
    fn a_complaint_has_three_clocks_and_only_the_reply_sleeps() {
        let due = due_of(CaseKind::Complaint, "2026-11-06T17:00:00+08");
        let expected = [
            (ClockKind::FirstReply, "07 10:00"),
            (ClockKind::Handling, "08 17:00"),
            (ClockKind::Result, "09 17:00"),
        ];
        assert_eq!(due, expected.map(|(kind, at)| (kind, at.to_owned())));
    }

    #[test]
    fn a_rescue_is_answered_at_night() {
        let due = due_of(CaseKind::RoadsideRescue, "2026-11-06T23:00:00+08");
        assert_eq!(due[0], (ClockKind::FirstReply, "07 01:00".to_owned()));
    }

    #[test]
    fn praise_is_answered_and_no_more() {
        assert_eq!(due_of(CaseKind::Praise, "2026-11-06T10:00:00+08").len(), 1);
    }

    #[test]
    fn the_last_instant_is_in_time_and_the_next_is_not() {
        let start: Timestamp = "2026-11-06T10:00:00+08".parse().unwrap();
        let clock = rules().at_opening(CaseKind::Complaint, start).unwrap().remove(0);
        let mut in_time = clock.clone();
        assert_eq!(in_time.meet(clock.due), None);
        assert_eq!(in_time.state, ClockState::Met);
        let mut late = clock.clone();
        let at = clock.due + SignedDuration::from_micros(1);
        assert!(late.meet(at).is_some());
        assert_eq!((late.state, late.met), (ClockState::Breached, Some(at)));
    }
}
