//! What happens to the page: hidden and shown, frozen, closed, brought back.

use super::Stage;
use std::{rc::Rc, task::Waker};
use wasm_bindgen::{JsCast, prelude::Closure};
use web_sys::{Document, Event, EventTarget, PageTransitionEvent, VisibilityState, Window};

/// Listens as long as it lives.
pub(super) struct Life {
    listeners: Vec<(EventTarget, &'static str, Closure<dyn FnMut(Event)>)>,
}

impl Life {
    /// Tells the room what becomes of its page. `waker` wakes whoever steps it.
    pub fn watch(stage: &Rc<Stage>, waker: Waker) -> Self {
        let mut life = Self { listeners: Vec::new() };
        let Some(window) = web_sys::window() else { return life };
        let Some(document) = window.document() else { return life };
        stage.show(is_visible(&document));
        life.follow_visibility(stage, &document, &waker);
        life.follow_leaving(stage, &window);
        life
    }

    fn follow_visibility(&mut self, stage: &Rc<Stage>, document: &Document, waker: &Waker) {
        for (event, visible) in [("visibilitychange", None), ("freeze", Some(false)), ("resume", None)] {
            let (stage, page, waker) = (Rc::downgrade(stage), document.clone(), waker.clone());
            self.listen(document, event, move |_| {
                if let Some(stage) = stage.upgrade() {
                    stage.show(visible.unwrap_or_else(|| is_visible(&page)));
                    waker.wake_by_ref();
                }
            });
        }
    }

    fn follow_leaving(&mut self, stage: &Rc<Stage>, window: &Window) {
        let (leaving, page) = (Rc::downgrade(stage), window.clone());
        self.listen(window, "pagehide", move |_| {
            if let Some(stage) = leaving.upgrade() {
                stage.leave();
                begin_anew_if_kept(&page);
            }
        });
    }

    fn listen(&mut self, target: &EventTarget, event: &'static str, act: impl FnMut(Event) + 'static) {
        let listener = Closure::new(act);
        if target.add_event_listener_with_callback(event, listener.as_ref().unchecked_ref()).is_ok() {
            self.listeners.push((target.clone(), event, listener));
        }
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        for (target, event, listener) in &self.listeners {
            let _ = target.remove_event_listener_with_callback(event, listener.as_ref().unchecked_ref());
        }
    }
}

/// Loads a page again that is brought back from the browser's cache: it has left its room, and its links are gone. The
/// room may have ended by then, so this outlives it.
fn begin_anew_if_kept(window: &Window) {
    let location = window.location();
    let begin_anew = Closure::once_into_js(move |event: Event| {
        if event.dyn_ref::<PageTransitionEvent>().is_some_and(PageTransitionEvent::persisted) {
            drop(location.reload());
        }
    });
    // A page that can't listen is a page that is gone.
    let _ = window.add_event_listener_with_callback("pageshow", begin_anew.unchecked_ref());
}

fn is_visible(document: &Document) -> bool {
    document.visibility_state() != VisibilityState::Hidden
}
