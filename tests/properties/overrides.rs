//! What holds for overrides of any document: nothing panics, none change nothing, applying twice is applying once, and what
//! they break is told at them.

use ecs_operator::{
    api::{register_task_definition::RegisterTaskDefinition, task_overrides::TaskOverride},
    ecs::{role::RolesOfTask, task_definition, task_overrides, violation::Violation},
};
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use serde_json::Value;

use crate::{documents, pods};

/// The Pod of a task with overrides.
fn pod(definition: &RegisterTaskDefinition, overrides: &TaskOverride) -> Result<Value, Vec<Violation>> {
    let checked = task_overrides::check(definition, overrides, "web")?;
    Ok(pods::of_task(&checked, &RolesOfTask::default()))
}

fn check(definition: &RegisterTaskDefinition, overrides: &TaskOverride) -> Result<(), TestCaseError> {
    let pod_or_violations = pod(definition, overrides);
    prop_assert_eq!(&pod_or_violations, &pod(definition, overrides), "rendered twice");
    if let Ok(overridden) = task_overrides::apply(definition, overrides) {
        prop_assert_eq!(task_overrides::apply(&overridden, overrides), Ok(overridden), "applied twice");
    }
    let is_valid = task_definition::check(definition, "web").is_ok();
    match pod_or_violations {
        Ok(pod) => pods::check_pod(&pod["spec"], &pod["metadata"])?,
        Err(violations) => {
            let told = violations.iter().all(|violation| violation.path.starts_with("spec.overrides"));
            prop_assert!(told || !is_valid, "{violations:?} are not told at the overrides");
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn overrides_of_any_document(
        document in prop_oneof![3 => documents::plausible(), 1 => documents::wild()],
        overrides in documents::overrides(),
    ) {
        let Ok(definition) = serde_json::from_value::<RegisterTaskDefinition>(document) else { return Ok(()) };
        let none = TaskOverride::default();
        let unchanged = task_overrides::apply(&definition, &none);
        prop_assert_eq!(unchanged.as_ref(), Ok(&definition), "none change nothing");
        let (without, with_none) =
            (task_definition::check(&definition, "web"), task_overrides::check(&definition, &none, "web"));
        prop_assert_eq!(with_none, without, "none are checked");
        if let Ok(overrides) = serde_json::from_value(overrides) {
            check(&definition, &overrides)?;
        }
    }
}

/// Of overrides that are all refused, or change nothing, nothing would be learned.
#[test]
fn many_overrides_are_accepted_and_change_the_pod() {
    let mut runner = TestRunner::deterministic();
    let (documents, all) = (documents::plausible(), documents::overrides());
    let (mut changed, mut refused) = (0, 0);
    for _ in 0..200 {
        let document = documents.new_tree(&mut runner).unwrap().current();
        let overrides = all.new_tree(&mut runner).unwrap().current();
        let Ok(definition) = serde_json::from_value::<RegisterTaskDefinition>(document) else { continue };
        let Ok(overrides) = serde_json::from_value::<TaskOverride>(overrides) else { continue };
        let Ok(before) = pod(&definition, &TaskOverride::default()) else { continue };
        match pod(&definition, &overrides) {
            Ok(after) if after != before => changed += 1,
            Ok(_) => {}
            Err(_) => refused += 1,
        }
    }
    assert!(changed >= 20 && refused >= 20, "{changed} changed the Pod, {refused} were refused");
}
