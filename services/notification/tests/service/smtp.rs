//! A mail server of the test's own: SMTP as RFC 5321 has it, which does at each mail what the test has asked for.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

/// What the server does with a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Behaviour {
    Accept,
    /// Answers `RCPT TO` with this code.
    RefuseRecipient(u16),
    /// Answers the end of the data with this code.
    RefuseData(u16),
    /// Takes the mail, and drops the connection before it says so.
    TakeAndDrop,
    /// Drops the connection at `MAIL FROM`.
    Drop,
}

/// A mail that the server took.
#[derive(Debug, Clone)]
pub(crate) struct Mail {
    pub(crate) to: String,
    pub(crate) data: String,
}

impl Mail {
    /// A header's value, as it came.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let head = self.data.split("\r\n\r\n").next()?;
        head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

#[derive(Default)]
struct State {
    script: VecDeque<Behaviour>,
    taken: Vec<Mail>,
}

/// A running server.
#[derive(Clone)]
pub(crate) struct Smtp {
    port: u16,
    state: Arc<Mutex<State>>,
}

impl Smtp {
    /// Listens on a free port until the test ends.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(Mutex::new(State::default()));
        let server = Self { port, state };
        let accepting = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let server = accepting.clone();
                // A connection that breaks is the client's matter.
                tokio::spawn(async move { server.serve(stream).await.unwrap_or_default() });
            }
        });
        server
    }

    /// As the settings name it.
    pub(crate) fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}", self.port)
    }

    /// What to do with the next mails, one each; then everything is accepted.
    pub(crate) fn next(&self, script: &[Behaviour]) {
        self.state.lock().unwrap().script.extend(script);
    }

    /// The mails taken so far.
    pub(crate) fn taken(&self) -> Vec<Mail> {
        self.state.lock().unwrap().taken.clone()
    }

    /// How many behaviours are still asked for.
    pub(crate) fn left(&self) -> usize {
        self.state.lock().unwrap().script.len()
    }

    async fn serve(&self, stream: TcpStream) -> std::io::Result<()> {
        let mut stream = BufReader::new(stream);
        let mut behaviour = Behaviour::Accept;
        let mut to = String::new();
        say(&mut stream, "220 mail.example ESMTP").await?;
        loop {
            let line = read(&mut stream).await?;
            let verb = line.get(..4).unwrap_or(&line).to_ascii_uppercase();
            match verb.as_str() {
                "" => return Ok(()),
                "EHLO" => say(&mut stream, "250-mail.example\r\n250 8BITMIME").await?,
                "MAIL" => {
                    behaviour = self.state.lock().unwrap().script.pop_front().unwrap_or(Behaviour::Accept);
                    if behaviour == Behaviour::Drop {
                        return Ok(());
                    }
                    say(&mut stream, "250 2.1.0 sender fine").await?;
                }
                "RCPT" => {
                    to = line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
                    match behaviour {
                        Behaviour::RefuseRecipient(code) => {
                            say(&mut stream, &format!("{code} <{to}> is refused")).await?;
                        }
                        _ => say(&mut stream, "250 2.1.5 recipient fine").await?,
                    }
                }
                "DATA" => {
                    say(&mut stream, "354 go ahead").await?;
                    let data = read_data(&mut stream).await?;
                    if let Behaviour::RefuseData(code) = behaviour {
                        say(&mut stream, &format!("{code} not now")).await?;
                        continue;
                    }
                    self.state.lock().unwrap().taken.push(Mail { to: to.clone(), data });
                    if behaviour == Behaviour::TakeAndDrop {
                        return Ok(());
                    }
                    say(&mut stream, "250 2.0.0 taken").await?;
                }
                "RSET" | "NOOP" => say(&mut stream, "250 2.0.0 fine").await?,
                "QUIT" => return say(&mut stream, "221 2.0.0 bye").await,
                _ => say(&mut stream, "502 5.5.1 not here").await?,
            }
        }
    }
}

async fn say(stream: &mut BufReader<TcpStream>, line: &str) -> std::io::Result<()> {
    stream.get_mut().write_all(format!("{line}\r\n").as_bytes()).await
}

async fn read(stream: &mut BufReader<TcpStream>) -> std::io::Result<String> {
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// Lines up to the one with a single dot; a dot that was doubled at a line's start is one again.
async fn read_data(stream: &mut BufReader<TcpStream>) -> std::io::Result<String> {
    let mut data = String::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 || line == ".\r\n" {
            return Ok(data);
        }
        data.push_str(line.strip_prefix('.').unwrap_or(&line));
    }
}
