//! One peer's websocket: what it says is passed on, what others say is written to it.

use super::{Seat, Signaling};
use crate::metrics::Refusal;
use axum::{
    body::Bytes,
    extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, close_code},
};
use futures::{SinkExt, StreamExt, stream::SplitSink};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use matchbox_protocol::JsonPeerRequest;
use std::{num::NonZeroU32, ops::ControlFlow, time::Duration};
use tokio::{
    sync::{mpsc::Receiver, watch},
    time::{Instant, MissedTickBehavior, interval_at, timeout},
};

/// How many seconds' worth of signals may come at once: who comes into a room speaks to everybody in it.
const BURST_SECONDS: u32 = 10;
/// How long a write may take before its peer is taken for gone.
const WRITE_PATIENCE: Duration = Duration::from_secs(10);
/// How long who is turned away may take to hear it.
const HEARING_PATIENCE: Duration = Duration::from_secs(1);

/// Why a connection ends from our side.
pub(super) type Farewell = (u16, &'static str);

impl Signaling {
    /// Serves a connection until it ends.
    pub(super) async fn serve(&self, socket: WebSocket, seat: &Seat, letters: Receiver<Utf8Bytes>) {
        let (mut writer, reader) = socket.split();
        if write(&mut writer, Message::Text(seat.greeting())).await.is_break() {
            return;
        }
        if let Some((code, reason)) = self.converse(&mut writer, reader, seat, letters).await {
            let close = CloseFrame { code, reason: reason.into() };
            let _gone_anyway = write(&mut writer, Message::Close(Some(close))).await;
        }
    }

    /// Nothing, if the peer ended it.
    async fn converse(
        &self,
        writer: &mut SplitSink<WebSocket, Message>,
        mut reader: impl StreamExt<Item = Result<Message, axum::Error>> + Unpin,
        seat: &Seat,
        mut letters: Receiver<Utf8Bytes>,
    ) -> Option<Farewell> {
        let mut stopping = self.stopping.clone();
        let purse = purse(self.limits.signals_per_second);
        // Asked twice, and then once more, before it is taken for gone.
        let every = self.limits.idle / 3;
        let mut ticks = interval_at(Instant::now() + every, every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut silent_ticks = 0;
        loop {
            tokio::select! {
                message = reader.next() => {
                    silent_ticks = 0;
                    if let ControlFlow::Break(farewell) = self.hear(message?.ok()?, seat, &purse) {
                        return farewell;
                    }
                }
                letter = letters.recv() => {
                    let Some(letter) = letter else { return Some(self.refuse(Refusal::Slow)) };
                    if write(writer, Message::Text(letter)).await.is_break() {
                        return None;
                    }
                }
                _ = ticks.tick() => {
                    silent_ticks += 1;
                    if silent_ticks == 3 {
                        return Some(self.refuse(Refusal::Idle));
                    }
                    if write(writer, Message::Ping(Bytes::new())).await.is_break() {
                        return None;
                    }
                }
                () = stopped(&mut stopping) => return Some((close_code::AWAY, "the server stops")),
            }
        }
    }

    fn hear(&self, message: Message, seat: &Seat, purse: &DefaultDirectRateLimiter) -> ControlFlow<Option<Farewell>> {
        match &message {
            Message::Close(_) => return ControlFlow::Break(None),
            _ if purse.check().is_err() => return ControlFlow::Break(Some(self.refuse(Refusal::Rate))),
            Message::Text(text) if text.len() > self.limits.signal_bytes => {
                return ControlFlow::Break(Some(self.refuse(Refusal::Size)));
            }
            Message::Text(text) => match text.parse() {
                Ok(JsonPeerRequest::Signal { receiver, data }) => {
                    if seat.pass_on(receiver, data) {
                        self.metrics.passed_on();
                    }
                }
                Ok(JsonPeerRequest::KeepAlive) => {}
                Err(_) => return ControlFlow::Break(Some(self.refuse(Refusal::Nonsense))),
            },
            Message::Binary(_) => return ControlFlow::Break(Some(self.refuse(Refusal::Nonsense))),
            Message::Ping(_) | Message::Pong(_) => {}
        }
        ControlFlow::Continue(())
    }

    /// Counts a refusal; what is said to whom it concerns.
    pub(super) fn refuse(&self, refusal: Refusal) -> Farewell {
        self.metrics.refuse(refusal);
        tracing::debug!(?refusal, "somebody was turned away, or sent away");
        match refusal {
            Refusal::Address => (close_code::AGAIN, "too many connections from your address"),
            Refusal::Seats => (close_code::AGAIN, "this room is full"),
            Refusal::Rooms => (close_code::AGAIN, "there are too many rooms"),
            Refusal::Rate => (close_code::POLICY, "too many signals at once"),
            Refusal::Size => (close_code::SIZE, "that signal is too large"),
            Refusal::Slow => (close_code::POLICY, "you read too slowly"),
            Refusal::Idle => (close_code::AWAY, "you were silent for too long"),
            Refusal::Nonsense => (close_code::POLICY, "that is no signal"),
            Refusal::Name => (close_code::POLICY, "there is no such room"),
        }
    }
}

/// Tells somebody why there is no place.
pub(super) async fn turn_away(socket: WebSocket, (code, reason): Farewell) {
    let (mut writer, mut reader) = socket.split();
    let close = CloseFrame { code, reason: reason.into() };
    if write(&mut writer, Message::Close(Some(close))).await.is_continue() {
        // Closed over what it has not read, the connection would be reset, and that might be lost.
        let _their_goodbye = timeout(HEARING_PATIENCE, reader.next()).await;
    }
}

async fn stopped(stopping: &mut watch::Receiver<bool>) {
    // Whoever could say so is gone: that is the end too.
    let _ = stopping.wait_for(|stopping| *stopping).await;
}

fn purse(signals_per_second: u32) -> DefaultDirectRateLimiter {
    let rate = NonZeroU32::new(signals_per_second).unwrap_or(NonZeroU32::MIN);
    let burst = rate.saturating_mul(NonZeroU32::new(BURST_SECONDS).unwrap_or(NonZeroU32::MIN));
    RateLimiter::direct(Quota::per_second(rate).allow_burst(burst))
}

async fn write(writer: &mut SplitSink<WebSocket, Message>, message: Message) -> ControlFlow<()> {
    match timeout(WRITE_PATIENCE, writer.send(message)).await {
        Ok(Ok(())) => ControlFlow::Continue(()),
        _ => ControlFlow::Break(()),
    }
}
