//! Whose turn it is: many tests with one operator that they share, or one test that has the cluster for itself.

use std::{panic::AssertUnwindSafe, sync::OnceLock};

use futures::FutureExt;
use tokio::sync::{Mutex, RwLock};

use crate::{connection::block_on, operator::Operator, scene::Scene};

fn turns() -> &'static RwLock<()> {
    static TURNS: OnceLock<RwLock<()>> = OnceLock::new();
    TURNS.get_or_init(RwLock::default)
}

fn shared() -> &'static Mutex<Option<Operator>> {
    static SHARED: OnceLock<Mutex<Option<Operator>>> = OnceLock::new();
    SHARED.get_or_init(Mutex::default)
}

/// A test that shares the running operator with others.
pub fn together(test: impl AsyncFnOnce(&Scene)) {
    block_on(async {
        let turn = turns().read().await;
        {
            let mut operator = shared().lock().await;
            if operator.is_none() {
                *operator = Some(Operator::start().await);
            }
        }
        let scene = Scene::new().await;
        let result = AssertUnwindSafe(test(&scene)).catch_unwind().await;
        let (forbidden, running) = match shared().lock().await.as_ref() {
            Some(operator) => (operator.front.forbidden(), operator.is_running()),
            None => (Vec::new(), false),
        };
        scene.leave().await;
        drop(turn);
        scene.is_gone().await;
        result.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        assert_eq!(forbidden, Vec::<String>::new(), "the operator has not all the rights that it needs");
        assert!(running, "the operator has ended");
    });
}

/// A test that starts, stops and breaks operators of its own.
pub fn alone(test: impl AsyncFnOnce(&Scene)) {
    block_on(async {
        let turn = turns().write().await;
        if let Some(operator) = shared().lock().await.take() {
            operator.stop().await;
        }
        let scene = Scene::new().await;
        let result = AssertUnwindSafe(test(&scene)).catch_unwind().await;
        scene.leave().await;
        drop(turn);
        scene.is_gone().await;
        result.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
}
