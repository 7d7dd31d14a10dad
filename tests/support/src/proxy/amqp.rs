use std::{
    io::{self, Read as _, Write as _},
    net::{Ipv4Addr, TcpStream},
    sync::{
        Arc, PoisonError,
        atomic::{AtomicU8, Ordering},
    },
    thread,
    time::Duration,
};

use super::{Fate, Protocol, Way, cut};

/// Frames of type 1 are methods.
const METHOD: u8 = 1;
/// Type, channel and length.
const HEAD: usize = 7;
const PROTOCOL_HEADER: usize = 8;

/// How long the broker may take to carry out what it does not answer.
const CARRIED_OUT: Duration = Duration::from_millis(100);

/// What becomes of the broker's answers.
const PASS: u8 = 0;
const HALF: u8 = 1;
const SWALLOW: u8 = 2;

/// A connection, frame by frame from the client.
pub(super) fn serve(client: TcpStream, way: &Arc<Way>) -> io::Result<()> {
    let broker = match TcpStream::connect((Ipv4Addr::LOCALHOST, way.amqp)) {
        Ok(broker) => broker,
        Err(error) => {
            cut(&client);
            return Err(error);
        }
    };
    way.open.lock().unwrap_or_else(PoisonError::into_inner).push(client.try_clone()?);
    let answers = Arc::new(AtomicU8::new(PASS));
    let back = (broker.try_clone()?, client.try_clone()?, answers.clone());
    thread::spawn(move || {
        let (broker, client, answers) = back;
        drop(pass_back(&broker, &client, &answers));
        cut(&broker);
        cut(&client);
    });
    let ended = pass_on(&client, &broker, way, &answers);
    cut(&broker);
    cut(&client);
    ended
}

fn pass_back(mut broker: &TcpStream, mut client: &TcpStream, answers: &AtomicU8) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let length = broker.read(&mut buffer)?;
        if length == 0 {
            return Ok(());
        }
        match answers.load(Ordering::SeqCst) {
            PASS => client.write_all(&buffer[..length])?,
            HALF => return client.write_all(&buffer[..length / 2]),
            _ => {}
        }
    }
}

fn pass_on(mut client: &TcpStream, mut broker: &TcpStream, way: &Way, answers: &AtomicU8) -> io::Result<()> {
    let mut header = [0; PROTOCOL_HEADER];
    client.read_exact(&mut header)?;
    broker.write_all(&header)?;
    loop {
        let mut frame = vec![0; HEAD];
        client.read_exact(&mut frame)?;
        let length = u32::from_be_bytes([frame[3], frame[4], frame[5], frame[6]]) as usize;
        // the octet that ends a frame
        frame.resize(HEAD + length + 1, 0);
        client.read_exact(&mut frame[HEAD..])?;
        let fate = match &frame[..] {
            [METHOD, _, _, _, _, _, _, class, class_low, method, method_low, ..] => {
                let number = |high: &u8, low: &u8| u16::from_be_bytes([*high, *low]);
                let what = format!("method {}.{}", number(class, class_low), number(method, method_low));
                way.fate(Protocol::Amqp, what)
            }
            _ => Fate::Pass,
        };
        match fate {
            // what AMQP answers is not JSON
            Fate::Pass | Fate::Rewritten(_) => broker.write_all(&frame)?,
            Fate::Spoken(speak) => {
                answers.store(SWALLOW, Ordering::SeqCst);
                return speak(&mut client.try_clone()?);
            }
            Fate::Late(pause) => {
                thread::sleep(pause);
                broker.write_all(&frame)?;
            }
            Fate::WithoutAmqp => {
                way.cut_amqp();
                return Ok(());
            }
            Fate::CutBefore | Fate::Answer(_) => return Ok(()),
            Fate::Before(event) => {
                event();
                return Ok(());
            }
            Fate::Half => {
                answers.store(HALF, Ordering::SeqCst);
                broker.write_all(&frame)?;
                thread::sleep(CARRIED_OUT);
                return Ok(());
            }
            Fate::CutAfter => {
                answers.store(SWALLOW, Ordering::SeqCst);
                broker.write_all(&frame)?;
                thread::sleep(CARRIED_OUT);
                return Ok(());
            }
            Fate::After(event) => {
                answers.store(SWALLOW, Ordering::SeqCst);
                broker.write_all(&frame)?;
                thread::sleep(CARRIED_OUT);
                event();
                return Ok(());
            }
        }
    }
}
