//! A case's life: a command to a state gives a new state and what is to be told. Pure.
//!
//! OPEN → (assign) ASSIGNED → (handle) HANDLED → (tell result) `RESULT_TOLD` → (re-visit) CLOSED when satisfied, REOPENED
//! when not. A closed case can be reopened for 30 days. A reopened case is a new loop, assigned and handled again. A case whose
//! owner can no longer work on it is nobody's, and is assigned again where it stands.

use foursight_kernel::{Error, Result, StaffId};
use foursight_proto::complaint::{
    events::v1::Step,
    v1::{CaseKind, CaseState, Cause, ClockKind, Measure},
};
use jiff::{SignedDuration, Timestamp};

use super::{
    clock::{Breach, Clock, Rules},
    error::CaseError,
};

/// For how long after its closing a case can be reopened.
const REOPEN_WITHIN: SignedDuration = SignedDuration::from_hours(30 * 24);

/// What changes in a case as it goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Life {
    pub(crate) kind: CaseKind,
    pub(crate) state: CaseState,
    /// The proto's `loop`: how many times round, from 1.
    pub(crate) round: i32,
    pub(crate) owner: Option<StaffId>,
    /// Who handled it last.
    pub(crate) handler: Option<StaffId>,
    /// Who handled it in any loop.
    pub(crate) handlers: Vec<StaffId>,
    pub(crate) cause: Cause,
    pub(crate) measure: Measure,
    pub(crate) closed: Option<Timestamp>,
    pub(crate) clocks: Vec<Clock>,
}

/// What somebody does to a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// Gives it to somebody.
    Assign {
        /// Whose it is from now on.
        assignee: StaffId,
        /// Whether whoever assigns it has read the case as it is, and so knows to whom it was given before.
        as_read: bool,
    },
    /// Replies to the customer.
    Reply,
    /// Does what is to be done.
    Handle {
        /// Why it happened.
        cause: Cause,
        /// What was done.
        measure: Measure,
    },
    /// Tells the customer the result.
    TellResult,
    /// Asks the customer again.
    Revisit {
        /// Whether the customer is satisfied now.
        satisfied: bool,
    },
    /// Takes it up again after closing.
    Reopen,
}

/// What a command led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Advance {
    pub(crate) life: Life,
    pub(crate) step: Step,
    /// Deadlines that had passed and that nobody had noticed until now.
    pub(crate) breaches: Vec<Breach>,
}

impl Life {
    /// A case that was taken. Whoever takes it owns it until it is assigned 首问负责制.
    pub(crate) fn open(
        kind: CaseKind,
        owner: Option<StaffId>,
        now: Timestamp,
        rules: &Rules,
    ) -> Result<Self> {
        Ok(Self {
            kind,
            state: CaseState::Open,
            round: 1,
            owner,
            handler: None,
            handlers: Vec::new(),
            cause: Cause::Unspecified,
            measure: Measure::Unspecified,
            closed: None,
            clocks: rules.at_opening(kind, now)?,
        })
    }

    /// Carries out a command of `by`.
    ///
    /// # Errors
    /// `FAILED_PRECONDITION`, and nothing has changed, when the life cycle does not allow it now.
    pub(crate) fn advance(
        &self,
        command: Command,
        by: StaffId,
        now: Timestamp,
        rules: &Rules,
    ) -> Result<Advance> {
        if self.state == CaseState::Closed && command != Command::Reopen {
            return Err(CaseError::AlreadyClosed.into());
        }
        let mut life = self.clone();
        let mut breaches = Vec::new();
        let step = match command {
            Command::Assign { assignee, as_read } => life.assign(assignee, as_read)?,
            Command::Reply => {
                life.meet(ClockKind::FirstReply, now, &mut breaches);
                Step::Replied
            }
            Command::Handle { cause, measure } => {
                life.require(CaseState::Assigned)?;
                life.state = CaseState::Handled;
                (life.handler, life.cause, life.measure) = (Some(by), cause, measure);
                life.handlers.push(by);
                life.meet(ClockKind::Handling, now, &mut breaches);
                Step::Handled
            }
            Command::TellResult => {
                life.require(CaseState::Handled)?;
                life.state = CaseState::ResultTold;
                life.meet(ClockKind::Result, now, &mut breaches);
                // Whoever heard the result has been answered.
                life.meet(ClockKind::FirstReply, now, &mut breaches);
                life.clocks.extend(rules.at_result(life.kind, life.round, now)?);
                Step::ResultTold
            }
            Command::Revisit { satisfied } => {
                life.require(CaseState::ResultTold)?;
                if life.handlers.contains(&by) {
                    return Err(CaseError::RevisitByHandler.into());
                }
                life.meet(ClockKind::Revisit, now, &mut breaches);
                if satisfied {
                    (life.state, life.closed) = (CaseState::Closed, Some(now));
                    Step::Closed
                } else {
                    life.go_round(now, rules)?;
                    Step::RevisitReopened
                }
            }
            Command::Reopen => {
                let closed = life.closed.ok_or(CaseError::NotClosed)?;
                if now.duration_since(closed) > REOPEN_WITHIN {
                    return Err(CaseError::TooOldToReopen.into());
                }
                life.go_round(now, rules)?;
                Step::Reopened
            }
        };
        Ok(Advance { life, step, breaches })
    }

    /// Takes the case from its owner, who can no longer work on it: it waits to be assigned, and its deadlines stay. `None` when
    /// there is nothing to take: it is closed, or nobody's already.
    pub(crate) fn release(&self) -> Option<Self> {
        if self.state == CaseState::Closed || self.owner.is_none() {
            return None;
        }
        let state = match self.state {
            CaseState::Assigned if self.round == 1 => CaseState::Open,
            CaseState::Assigned => CaseState::Reopened,
            state => state,
        };
        Some(Self { state, owner: None, ..self.clone() })
    }

    fn assign(&mut self, assignee: StaffId, as_read: bool) -> Result<Step> {
        match self.state {
            CaseState::Assigned if !as_read => return Err(CaseError::AlreadyAssigned.into()),
            CaseState::Open | CaseState::Assigned | CaseState::Reopened => self.state = CaseState::Assigned,
            // It was handled, but nobody sees it to its end.
            _ if self.owner.is_none() => {}
            _ => return Err(CaseError::AlreadyHandled.into()),
        }
        self.owner = Some(assignee);
        Ok(Step::Assigned)
    }

    /// Refuses a step that only this state allows: one that comes too early, and one that somebody else has taken already.
    fn require(&self, state: CaseState) -> Result<()> {
        if self.state == state {
            return Ok(());
        }
        Err(Error::from(match (state, self.state) {
            (CaseState::Assigned, CaseState::Handled | CaseState::ResultTold) => CaseError::AlreadyHandled,
            (CaseState::Assigned, _) => CaseError::NotAssigned,
            (CaseState::Handled, CaseState::ResultTold) => CaseError::ResultAlreadyTold,
            (CaseState::Handled, _) => CaseError::NotHandled,
            _ => CaseError::ResultNotTold,
        }))
    }

    fn meet(&mut self, kind: ClockKind, now: Timestamp, breaches: &mut Vec<Breach>) {
        let clocks = self.clocks.iter_mut().filter(|clock| clock.kind == kind);
        breaches.extend(clocks.filter_map(|clock| clock.meet(now)));
    }

    /// A new loop with its own clocks. Those of the loops before stay as they ended.
    fn go_round(&mut self, now: Timestamp, rules: &Rules) -> Result<()> {
        (self.state, self.closed) = (CaseState::Reopened, None);
        self.round = self.round.saturating_add(1);
        self.clocks.extend(rules.of_round(self.kind, self.round, now)?);
        Ok(())
    }
}
