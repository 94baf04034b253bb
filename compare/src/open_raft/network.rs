//! Calls from one node of openraft to another.

use super::{Raft, Types};
use crate::contender::Wire;
use bevy_quorum::wire::{DECODE_BYTES_MAX, decode, encode};
use futures_util::{FutureExt, Stream, StreamExt, future::BoxFuture, stream::BoxStream};
use openraft::{
    OptionalSend, RaftNetworkFactory, RaftNetworkV2,
    alias::{SnapshotOf, VoteOf},
    error::{RPCError, ReplicationClosed, StreamingError, Unreachable},
    network::{RPCOption, stream_append_sequential},
    raft::{
        AppendEntriesRequest, AppendEntriesResponse, SnapshotResponse, StreamAppendResult, VoteRequest, VoteResponse,
    },
};
use serde::{Serialize, de::DeserializeOwned};
use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
};

type Failure = RPCError<Types>;

/// Nobody.
const NONE: usize = usize::MAX;

/// Who can be reached, and what it took.
#[derive(Clone)]
pub struct Router(Arc<Shared>);

struct Shared {
    rafts: Vec<OnceLock<Raft>>,
    cut: AtomicUsize,
    wire: Wire,
    bytes: AtomicU64,
}

impl Router {
    pub fn new(nodes: usize, wire: Wire) -> Self {
        let rafts = (0..nodes).map(|_| OnceLock::new()).collect();
        Self(Arc::new(Shared { rafts, cut: AtomicUsize::new(NONE), wire, bytes: AtomicU64::new(0) }))
    }

    pub fn connect(&self, rafts: &[Raft]) {
        for (place, raft) in self.0.rafts.iter().zip(rafts) {
            assert!(place.set(raft.clone()).is_ok(), "a node is connected once");
        }
    }

    pub fn cut(&self, node: usize) {
        self.0.cut.store(node, Relaxed);
    }

    pub fn heal(&self) {
        self.0.cut.store(NONE, Relaxed);
    }

    pub fn bytes(&self) -> u64 {
        self.0.bytes.load(Relaxed)
    }

    /// The same value, as it arrives.
    fn carry<T: Serialize + DeserializeOwned>(&self, value: T) -> T {
        if self.0.wire == Wire::Moved {
            return value;
        }
        let bytes = encode(&value).expect("its types can be encoded");
        self.0.bytes.fetch_add(bytes.len() as u64, Relaxed);
        decode(&bytes, DECODE_BYTES_MAX).expect("just encoded")
    }
}

/// The way from one node to another.
#[derive(Clone)]
pub struct Network {
    router: Router,
    from: usize,
    to: usize,
    stream: bool,
}

impl Network {
    /// Makes the ways from `from` to all others.
    pub fn factory(router: Router, from: usize, stream: bool) -> Self {
        Self { router, from, to: NONE, stream }
    }

    fn target(&self) -> Result<&Raft, Failure> {
        let cut = self.router.0.cut.load(Relaxed);
        if cut == self.from || cut == self.to {
            return Err(unreachable(&std::io::Error::other("the link is cut")));
        }
        Ok(self.router.0.rafts[self.to].get().expect("all are connected before any speaks"))
    }

    fn is_cut(&self) -> bool {
        self.target().is_err()
    }
}

fn unreachable(error: &(impl std::error::Error + 'static)) -> Failure {
    RPCError::Unreachable(Unreachable::new(error))
}

impl RaftNetworkFactory<Types> for Network {
    type Network = Self;

    async fn new_client(&mut self, target: u64, (): &()) -> Self {
        Self { to: usize::try_from(target).expect("a place"), ..self.clone() }
    }
}

impl RaftNetworkV2<Types> for Network {
    type SnapshotData = ();

    async fn append_entries(
        &mut self,
        request: AppendEntriesRequest<Types>,
        _: RPCOption,
    ) -> Result<AppendEntriesResponse<Types>, Failure> {
        let request = self.router.carry(request);
        let response = self.target()?.append_entries(request).await.map_err(|error| unreachable(&error))?;
        self.target()?;
        Ok(self.router.carry(response))
    }

    fn stream_append<'s, S>(
        &'s mut self,
        input: S,
        option: RPCOption,
    ) -> BoxFuture<'s, Result<BoxStream<'s, Result<StreamAppendResult<Types>, Failure>>, Failure>>
    where
        S: Stream<Item = AppendEntriesRequest<Types>> + OptionalSend + Unpin + 'static,
    {
        if !self.stream {
            return stream_append_sequential(self, input, option);
        }
        let (there, back) = (self.clone(), self.clone());
        let target = match self.target() {
            Ok(target) => target,
            Err(cut) => return async { Err(cut) }.boxed(),
        };
        let input = input.take_while(move |_| std::future::ready(!there.is_cut()));
        let router = self.router.clone();
        let answers = target.stream_append(input.map(move |request| router.carry(request)));
        let answers = answers.map(move |answer| {
            back.target()?;
            let answer: StreamAppendResult<Types> = answer.map_err(|error| unreachable(&error))?;
            Ok(answer.map(|matched| back.router.carry(matched)))
        });
        async { Ok(answers.boxed()) }.boxed()
    }

    async fn vote(&mut self, request: VoteRequest<Types>, _: RPCOption) -> Result<VoteResponse<Types>, Failure> {
        self.target()?.vote(request).await.map_err(|error| unreachable(&error))
    }

    async fn pre_vote(&mut self, request: VoteRequest<Types>, _: RPCOption) -> Result<VoteResponse<Types>, Failure> {
        self.target()?.pre_vote(request).await.map_err(|error| unreachable(&error))
    }

    async fn full_snapshot(
        &mut self,
        _: VoteOf<Types>,
        _: SnapshotOf<Types, ()>,
        _: impl Future<Output = ReplicationClosed> + OptionalSend + 'static,
        _: RPCOption,
    ) -> Result<SnapshotResponse<Types>, StreamingError<Types>> {
        unreachable!("there are no snapshots here")
    }
}
