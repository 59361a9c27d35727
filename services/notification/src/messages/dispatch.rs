//! Sends what is due, so that nothing is lost and nothing is sent twice (domain row N10).
//!
//! 1. Claim: a batch of due messages is ours until the lease ends. A dispatcher that dies here has changed nothing.
//! 2. Judge: the gate decides; for those that nothing else stands against, the customer service says whether and where the
//!    customer may be reached. Held and suppressed messages are written down.
//! 3. Commit SENDING, with the claim and a new lease, and only then hand the message to the provider.
//! 4. Write down what the provider said.
//!
//! A process that dies between 3 and 4 leaves a row in SENDING. When its lease has passed it is judged and sent again: what was
//! said to the provider cannot be asked for (see [`crate::channels`] for how the repeat is recognised).

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use foursight_kernel::{Ids, Result, SharedClock};
use foursight_proto::notification::v1::MessageState;
use foursight_runtime::{Database, PeerChannel, Tick};
use futures::future::join_all;
use uuid::Uuid;

use super::{
    claim::{Due, claim},
    contacts::{Recipient, resolve},
    state::{Happening, Outcome},
    transition::{By, Sent, happen},
};
use crate::{
    channels::{Channels, Letter, contact_kind},
    gate::{self, Case, Contact, Verdict},
    settings::NotificationSettings,
    templates::{Templates, Variables},
};

/// How many messages are claimed, and sent side by side, at once. Few, so that consent is asked for just before sending, and
/// so that the dispatcher leaves database connections for everybody else.
const BATCH: usize = 8;

/// How many batches one tick sends before it lets the worker look around.
const ROUNDS: usize = 100;

/// The worker that sends messages.
pub(crate) struct Dispatch {
    pub(crate) db: Database,
    pub(crate) clock: SharedClock,
    pub(crate) ids: Ids,
    pub(crate) customer: PeerChannel,
    pub(crate) channels: Channels,
    pub(crate) templates: Templates,
    pub(crate) settings: Arc<NotificationSettings>,
}

#[async_trait]
impl Tick for Dispatch {
    async fn tick(&self) -> Result<()> {
        for _ in 0..ROUNDS {
            if self.round().await? < BATCH {
                break;
            }
        }
        Ok(())
    }
}

impl Dispatch {
    /// One batch; returns how many messages were due.
    async fn round(&self) -> Result<usize> {
        let attempt = self.ids.uuid();
        let mut tx = self.db.begin_as_service().await?;
        let most = i64::try_from(BATCH).unwrap_or(i64::MAX);
        let due = claim(&mut tx, self.clock.now(), attempt, most, &self.settings).await?;
        tx.commit().await?;
        let count = due.len();

        let mut to_ask = Vec::new();
        for message in due {
            match self.judge(&message, Contact::NotAsked) {
                Verdict::AskContact => to_ask.push(message),
                verdict => self.write(&message, attempt, Happening::Gate(verdict), None).await.map(drop)?,
            }
        }
        let mut recipients = self.recipients(&to_ask).await;
        let sendings = to_ask.iter().map(|message| {
            let recipient = recipients.remove(&message.message.uuid());
            self.judge_and_send(message, attempt, recipient)
        });
        // All are tried before the first failure is told; a message that failed keeps its lease and is tried again.
        let results = join_all(sendings.collect::<Vec<_>>()).await;
        results.into_iter().collect::<Result<Vec<()>>>()?;
        Ok(count)
    }

    fn judge(&self, message: &Due, contact: Contact) -> Verdict {
        gate::decide(&Case {
            now: self.clock.now(),
            expires: message.expires,
            zone: &message.zone,
            quiet_hours: self.settings.quiet_hours(),
            channel_ready: self.channels.get(message.channel).is_some(),
            contact,
        })
    }

    /// How each message's customer can be reached, by message. One question for each purpose and kind of contact.
    async fn recipients(&self, messages: &[Due]) -> HashMap<Uuid, Arc<Recipient>> {
        let mut questions: HashMap<_, Vec<&Due>> = HashMap::new();
        for message in messages {
            if let Some(kind) = contact_kind(message.channel) {
                questions.entry((message.purpose, kind)).or_default().push(message);
            }
        }
        let mut recipients = HashMap::new();
        for ((purpose, kind), messages) in questions {
            let mut customers: Vec<_> = messages.iter().map(|message| message.customer).collect();
            customers.sort_unstable();
            customers.dedup();
            let answers: HashMap<_, _> = resolve(&self.customer, purpose, kind, &customers)
                .await
                .into_iter()
                .map(|(customer, recipient)| (customer, Arc::new(recipient)))
                .collect();
            for message in messages {
                if let Some(recipient) = answers.get(&message.customer) {
                    recipients.insert(message.message.uuid(), Arc::clone(recipient));
                }
            }
        }
        recipients
    }

    async fn judge_and_send(
        &self,
        message: &Due,
        attempt: Uuid,
        recipient: Option<Arc<Recipient>>,
    ) -> Result<()> {
        let contact = recipient.as_ref().map_or(Contact::Away, |recipient| recipient.contact);
        let verdict = self.judge(message, contact);
        let state = self.write(message, attempt, Happening::Gate(verdict), None).await?;
        let (Some(MessageState::Sending), Some(recipient)) = (state, recipient) else { return Ok(()) };
        let (outcome, template) = self.send(message, &recipient).await;
        self.write(message, attempt, Happening::Provider(outcome), template).await?;
        Ok(())
    }

    /// Puts the message into words and hands it over. Only called when the row in SENDING is committed.
    async fn send(&self, message: &Due, recipient: &Recipient) -> (Outcome, Option<&'static str>) {
        let Some(channel) = self.channels.get(message.channel) else {
            return (Outcome::ChannelBroken { reason: "CHANNEL_NOT_CONFIGURED".to_owned() }, None);
        };
        let variables = Variables {
            name: &recipient.display_name,
            store: &message.signature,
            case_number: message.case_number(),
        };
        let words = match self.templates.render(message.kind, self.settings.language, &variables) {
            Ok(words) => words,
            Err(error) => {
                // Without the error's source: that may quote a value.
                tracing::error!(message = %message.message, kind = ?error.kind(), "a template does not render");
                return (Outcome::Refused { reason: "TEMPLATE_BROKEN".to_owned() }, None);
            }
        };
        let template = words.template;
        let letter = Letter {
            message: message.message,
            address: recipient.address.clone(),
            display_name: recipient.display_name.clone(),
            words,
            now: self.clock.now(),
        };
        (channel.deliver(letter).await, Some(template))
    }

    /// Writes one step in a transaction of its own; `None` when the claim was lost meanwhile.
    async fn write(
        &self,
        message: &Due,
        attempt: Uuid,
        happening: Happening,
        template: Option<&'static str>,
    ) -> Result<Option<MessageState>> {
        let mut tx = self.db.begin_as_service().await?;
        let context = (&self.ids, self.clock.now(), self.settings.patience());
        let by = By::Claim(attempt);
        let state = happen(&mut tx, context, message.message, by, happening, Sent { template }).await?;
        tx.commit().await?;
        Ok(state)
    }
}
