//! E-mail by SMTP (RFC 5321).
//!
//! SMTP cannot be asked whether a message was taken. When the connection drops after the last byte, or this process dies before
//! the answer is written down, the message is handed over again: with the same `Message-ID`, made from the message's own id, by
//! which the receiving side drops the repeat. That is as near to "exactly once" as SMTP goes.

use std::time::{Duration, SystemTime};

use lettre::{
    Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{Mailbox, header::ContentType},
    transport::smtp,
};
use secrecy::{ExposeSecret, SecretString};

use super::Letter;
use crate::messages::state::Outcome;

/// A provider that says nothing for so long is taken for absent. Well below the dispatcher's lease, so that nobody else
/// takes the message up meanwhile.
const PATIENCE: Duration = Duration::from_mins(1);

/// What is wrong with the settings of the e-mail channel. The address of the server is a secret and not named.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EmailSettingsError {
    #[error(
        "notification.smtp_url must be of the form smtps://user:password@host:port, or smtp://…?tls=required"
    )]
    Url,
    #[error("notification.from must be an e-mail address, with or without a name")]
    From,
}

/// The e-mail channel.
pub(crate) struct Email {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl Email {
    /// Sets the channel up; nothing is connected before the first letter.
    pub(crate) fn new(url: &SecretString, from: &str) -> Result<Self, EmailSettingsError> {
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url.expose_secret())
            .map_err(|_| EmailSettingsError::Url)?
            .timeout(Some(PATIENCE / 2))
            .build();
        Ok(Self { transport, from: from.parse().map_err(|_| EmailSettingsError::From)? })
    }

    /// Hands a letter to the mail server.
    pub(crate) async fn deliver(&self, letter: Letter) -> Outcome {
        let Ok(address) = letter.address.parse::<Address>() else {
            return Outcome::Refused { reason: "ADDRESS_INVALID".to_owned() };
        };
        let mail = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(Some(letter.display_name), address))
            .subject(letter.words.subject)
            .message_id(Some(format!("<{}@{}>", letter.message, self.from.email.domain())))
            .date(SystemTime::from(letter.now))
            .header(ContentType::TEXT_PLAIN)
            .body(letter.words.body);
        let Ok(mail) = mail else {
            return Outcome::Refused { reason: "ADDRESS_INVALID".to_owned() };
        };
        match tokio::time::timeout(PATIENCE, self.transport.send(mail)).await {
            Ok(Ok(_)) => Outcome::Accepted,
            Ok(Err(error)) => outcome(&error),
            Err(_) => Outcome::NotNow { reason: "SMTP_TIMEOUT".to_owned() },
        }
    }
}

/// What an error means. Only the code is kept: a server's words may quote the address.
fn outcome(error: &smtp::Error) -> Outcome {
    match error.status().map(u16::from) {
        // RFC 4954: the server wants us to sign in, or does not believe us. That is about us, not about the message.
        Some(code @ (530 | 534 | 535 | 538)) => Outcome::ChannelBroken { reason: format!("SMTP_{code}") },
        Some(code @ 500..) => Outcome::Refused { reason: format!("SMTP_{code}") },
        Some(code) => Outcome::NotNow { reason: format!("SMTP_{code}") },
        None if error.is_tls() => Outcome::ChannelBroken { reason: "SMTP_TLS".to_owned() },
        None => Outcome::NotNow { reason: "SMTP_UNREACHABLE".to_owned() },
    }
}
