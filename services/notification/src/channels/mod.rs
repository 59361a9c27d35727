//! The ways to a customer. A closed set: the compiler shows every place that a new one has to be thought of.

use foursight_kernel::MessageId;
use foursight_proto::{customer::v1::ContactKind, notification::v1::MessageChannel};
use jiff::Timestamp;

use crate::{messages::state::Outcome, settings::NotificationSettings, templates::Words};

mod email;

use email::Email;
pub(crate) use email::EmailSettingsError;

/// A way to a customer that the group has set up.
pub(crate) enum Channel {
    Email(Email),
}

/// One message on its way out. It has no `Debug`: it holds the customer's name and address, for this moment only.
pub(crate) struct Letter {
    pub(crate) message: MessageId,
    pub(crate) address: String,
    pub(crate) display_name: String,
    pub(crate) words: Words,
    pub(crate) now: Timestamp,
}

impl Channel {
    /// Hands a letter to the provider.
    pub(crate) async fn deliver(&self, letter: Letter) -> Outcome {
        match self {
            Self::Email(email) => email.deliver(letter).await,
        }
    }

    fn kind(&self) -> MessageChannel {
        match self {
            Self::Email(_) => MessageChannel::Email,
        }
    }
}

/// The kind of address that a channel needs; `None` for what is no channel.
pub(crate) fn contact_kind(channel: MessageChannel) -> Option<ContactKind> {
    match channel {
        MessageChannel::Unspecified => None,
        MessageChannel::Email => Some(ContactKind::Email),
    }
}

/// The channels that the group has set up.
#[derive(Default)]
pub(crate) struct Channels(Vec<Channel>);

impl Channels {
    /// Sets up what the settings name.
    pub(crate) fn new(settings: &NotificationSettings) -> Result<Self, EmailSettingsError> {
        let email = match &settings.smtp_url {
            Some(url) => Some(Channel::Email(Email::new(url, &settings.from)?)),
            None => None,
        };
        Ok(Self(email.into_iter().collect()))
    }

    /// The channel of a kind, if it is set up.
    pub(crate) fn get(&self, kind: MessageChannel) -> Option<&Channel> {
        self.0.iter().find(|channel| channel.kind() == kind)
    }
}
