//! The bell that wakes a sleeping app.

use bevy_ecs::prelude::*;
use std::task::Waker;

/// Wakes an app that sleeps between events: put one in before rooms are spawned, and it rings whenever there
/// is something to apply or to show; for a change of leader a quarter of a second later, when it mostly is over.
///
/// A window of Bevy's is woken by way of its event loop:
///
/// ```no_run
/// use bevy::{
///     prelude::*,
///     winit::{EventLoopProxy, EventLoopProxyWrapper, UpdateMode, WinitSettings, WinitUserEvent},
/// };
/// use bevy_quorum::prelude::*;
/// use std::{sync::Arc, task::Wake, time::Duration};
///
/// struct Window(EventLoopProxy<WinitUserEvent>);
///
/// impl Wake for Window {
///     fn wake(self: Arc<Self>) {
///         let _ = self.0.send_event(WinitUserEvent::WakeUp);
///     }
/// }
///
/// let sleepy = UpdateMode::reactive_low_power(Duration::from_secs(5));
/// let mut app = App::new();
/// app.add_plugins((DefaultPlugins, QuorumPlugins))
///     .insert_resource(WinitSettings { focused_mode: sleepy, unfocused_mode: sleepy });
/// let window = (**app.world().resource::<EventLoopProxyWrapper>()).clone();
/// app.insert_resource(AppBell::new(Arc::new(Window(window)).into()));
/// ```
#[derive(Resource, Clone, Debug)]
pub struct AppBell(Waker);

impl AppBell {
    /// A bell that wakes the app by `waker`.
    ///
    /// On a page it does so when the page is done with what it is about: what winit's event loop is told within a
    /// frame it hears only when something else wakes it (winit 0.30).
    #[must_use]
    pub fn new(waker: Waker) -> Self {
        #[cfg(target_arch = "wasm32")]
        let waker = after_frame::wakes(waker);
        Self(waker)
    }

    /// Wakes the app.
    pub fn ring(&self) {
        self.0.wake_by_ref();
    }

    /// What wakes the app.
    pub(super) fn waker(&self) -> &Waker {
        &self.0
    }
}

/// Wakes that wait until the page is done with what it is about.
#[cfg(target_arch = "wasm32")]
mod after_frame {
    use std::{
        sync::{
            Arc,
            atomic::{AtomicBool, Ordering},
        },
        task::{Wake, Waker},
    };

    /// What wakes `app` later.
    pub fn wakes(app: Waker) -> Waker {
        Arc::new(AfterFrame { app, due: AtomicBool::new(false) }).into()
    }

    struct AfterFrame {
        app: Waker,
        /// Whether it was rung and has not woken anybody yet.
        due: AtomicBool,
    }

    impl Wake for AfterFrame {
        fn wake(self: Arc<Self>) {
            self.wake_by_ref();
        }

        fn wake_by_ref(self: &Arc<Self>) {
            if self.due.swap(true, Ordering::AcqRel) {
                return;
            }
            let bell = self.clone();
            wasm_bindgen_futures::spawn_local(async move {
                bell.due.store(false, Ordering::Release);
                bell.app.wake_by_ref();
            });
        }
    }
}
