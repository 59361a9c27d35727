//! What customers were not content with: scores and words in follow-up calls, and the cases that came of it.

use foursight_kernel::{CallTaskId, CaseId, StaffId, StoreId};
use foursight_proto::{
    complaint::v1::{CaseKind, Cause, IntakeChannel, Measure, Severity},
    identity::v1::Role,
};
use jiff::Timestamp;

use super::{
    dice::Dice,
    history::{Answer, CallTask, CarHistory, DAY, HOUR, MINUTE, Scene, Subject, later, somebody},
};

/// A case.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Case {
    pub(crate) id: CaseId,
    pub(crate) store: StoreId,
    pub(crate) kind: CaseKind,
    pub(crate) channel: IntakeChannel,
    pub(crate) matter: Matter,
    pub(crate) severity: Severity,
    /// `callTasks/{id}` or `visits/{id}`.
    pub(crate) subject: String,
    /// The call that it came of.
    pub(crate) call_task: Option<CallTaskId>,
    /// Who took it.
    pub(crate) taker: StaffId,
    pub(crate) assigner: StaffId,
    pub(crate) handler: StaffId,
    /// Who called again after the result; never the handler.
    pub(crate) revisitor: StaffId,
    pub(crate) open_time: Timestamp,
    /// The steps that were taken until now, in order; a case with all five is closed.
    pub(crate) steps: Vec<Step>,
}

/// A step in a case's life.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Step {
    pub(crate) kind: StepKind,
    pub(crate) at: Timestamp,
    pub(crate) note: &'static str,
}

/// The steps in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum StepKind {
    Assigned,
    Replied,
    Handled,
    ResultTold,
    /// The re-visit found the customer satisfied.
    Closed,
}

/// What somebody complains about, and what comes of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Matter {
    /// The category's code.
    pub(crate) category: &'static str,
    /// The customer's words.
    pub(crate) words: &'static str,
    pub(crate) cause: Cause,
    pub(crate) measure: Measure,
}

const fn matter(category: &'static str, words: &'static str, cause: Cause, measure: Measure) -> Matter {
    Matter { category, words, cause, measure }
}

/// After service.
const SERVICE_MATTERS: [Matter; 8] = [
    matter("service.waiting", "约好十点，等到十一点半才开工，没人解释。", Cause::Service, Measure::Apology),
    matter("service.waiting", "说两个小时，结果等了一下午。", Cause::Service, Measure::Discount),
    matter("repair.quality", "异响修过之后还在，过减速带尤其明显。", Cause::Service, Measure::Rework),
    matter("repair.quality", "换完刹车片后低速有尖叫声。", Cause::Product, Measure::Rework),
    matter("repair.parts", "配件等了三周还没到货，也没有人主动通知。", Cause::Product, Measure::Explanation),
    matter("service.attitude", "前台接待不耐烦，问价格爱理不理。", Cause::Service, Measure::Apology),
    matter("price", "工时费比报价单多了一百多，事先没有说。", Cause::Service, Measure::Discount),
    matter("environment", "休息区空调不制冷，饮水机也坏了。", Cause::Service, Measure::Explanation),
];
/// After delivery.
const SALES_MATTERS: [Matter; 4] = [
    matter("sales.promise", "当初答应送的脚垫和贴膜到现在没有兑现。", Cause::Service, Measure::Compensation),
    matter("sales.delivery", "交车比约定晚了四天，没有提前打电话。", Cause::Service, Measure::Apology),
    matter("product.quality", "中控屏用了两天就黑屏。", Cause::Product, Measure::FreeCheck),
    matter("sales.promise", "说好免费上牌，提车时又要收费。", Cause::Customer, Measure::Explanation),
];

const NOTES: [(StepKind, &str); 5] = [
    (StepKind::Assigned, "已指派处理人"),
    (StepKind::Replied, "已致电客户，表示歉意并说明处理步骤"),
    (StepKind::Handled, "已核实情况并按规定处理"),
    (StepKind::ResultTold, "已将处理结果告知客户"),
    (StepKind::Closed, "客户对处理结果表示满意"),
];

/// How many of a thousand customers complain about something that was then. Of late more than usual, so that somebody who
/// looks at the demo group finds open cases of every state.
fn complaining(scene: &Scene<'_>, at: Timestamp) -> u32 {
    if scene.now.duration_since(at).as_secs() < 5 * DAY { 50 } else { 5 }
}

/// What a customer who was reached then says.
pub(super) fn answer(scene: &Scene<'_>, dice: &mut Dice, subject: Subject, at: Timestamp) -> Answer {
    if dice.chance(complaining(scene, at)) {
        let complaint = Some(dice.pick(matters(subject)));
        return Answer { score: dice.pick(&[2, 3, 4, 5, 6]), complaint };
    }
    let grumbles = dice.chance(scene.group.stores[scene.store].grumbling);
    Answer { score: if grumbles { dice.pick(&[7, 8, 9]) } else { 10 }, complaint: None }
}

/// What people complain about after such a deed.
fn matters(subject: Subject) -> &'static [Matter] {
    match subject {
        Subject::Delivery(_) => &SALES_MATTERS,
        Subject::Visit(_) => &SERVICE_MATTERS,
    }
}

/// The case that comes of a call to a dissatisfied customer.
pub(super) fn from_call(scene: &Scene<'_>, dice: &mut Dice, task: &CallTask, cases: &mut Vec<Case>) {
    let Some(end) = &task.end else { return };
    let Some(matter) = end.answer.as_ref().and_then(|answer| answer.complaint) else { return };
    let intake = Intake {
        channel: IntakeChannel::FollowUpCall,
        subject: task.id.name(),
        call_task: Some(task.id),
        taker: task.caller,
        open_time: end.at,
    };
    cases.push(case(scene, dice, intake, matter));
}

/// The complaints that customers bring themselves, in a few of a thousand visits.
pub(super) fn after_visit(scene: &Scene<'_>, dice: &mut Dice, history: &mut CarHistory) {
    let Some((visit, hand_over)) =
        history.visits.last().and_then(|visit| visit.hand_over_time.map(|time| (visit, time)))
    else {
        return;
    };
    let open_time = later(hand_over, dice.between(HOUR, 30 * HOUR));
    let complains = dice.chance(complaining(scene, open_time));
    if !complains || open_time >= scene.now {
        return;
    }
    let matter = dice.pick(&SERVICE_MATTERS);
    let intake = Intake {
        channel: dice.pick(&[
            IntakeChannel::Phone,
            IntakeChannel::Counter,
            IntakeChannel::Wechat,
            IntakeChannel::Phone,
        ]),
        subject: visit.id.name(),
        call_task: None,
        taker: visit.advisor,
        open_time,
    };
    history.cases.push(case(scene, dice, intake, matter));
}

struct Intake {
    channel: IntakeChannel,
    subject: String,
    call_task: Option<CallTaskId>,
    taker: StaffId,
    open_time: Timestamp,
}

fn case(scene: &Scene<'_>, dice: &mut Dice, intake: Intake, matter: Matter) -> Case {
    let severity = dice.weighted(&[(Severity::Minor, 30), (Severity::Normal, 66), (Severity::Major, 4)]);
    Case {
        id: dice.id(intake.open_time),
        store: scene.group.stores[scene.store].id,
        kind: CaseKind::Complaint,
        channel: intake.channel,
        matter,
        severity,
        subject: intake.subject,
        call_task: intake.call_task,
        taker: intake.taker,
        assigner: somebody(scene, dice, Role::CrManager),
        handler: somebody(scene, dice, Role::Supervisor),
        revisitor: somebody(scene, dice, Role::FollowUpSpecialist),
        open_time: intake.open_time,
        steps: steps(scene, dice, intake.open_time),
    }
}

/// What was done until now. Everything in time but now and then.
fn steps(scene: &Scene<'_>, dice: &mut Dice, open_time: Timestamp) -> Vec<Step> {
    let slow = if dice.chance(60) { 4 } else { 1 };
    let pauses = [
        dice.between(3, 25) * MINUTE,
        dice.between(10, 70) * MINUTE * slow,
        dice.between(5, 26) * HOUR * slow,
        dice.between(2, 14) * HOUR,
        DAY + dice.between(2, 40) * HOUR,
    ];
    let mut at = open_time;
    let mut steps = Vec::new();
    for ((kind, note), pause) in NOTES.into_iter().zip(pauses) {
        at = later(at, pause);
        if at >= scene.now {
            break;
        }
        steps.push(Step { kind, at, note });
    }
    steps
}
