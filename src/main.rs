//! The operator's entry point: parse the arguments, run. Everything else lives in the library.

fn main() {
    for crd in ecs_operator::api::crds() {
        println!("---\n{}", serde_saphyr::to_string(&crd).unwrap_or_default());
    }
}
