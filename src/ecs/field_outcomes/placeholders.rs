//! Words in braces in the details of the tables, and what stands there in a report: what a thing is called in Kubernetes.

use crate::ecs::{arn::last_segment, object_names, secret_reference::SecretReference};

use super::field::Field;

type Fill = fn(&Field<'_>) -> String;

const PLACEHOLDERS: [(&str, Fill); 17] = [
    ("{namespace}", |field| field.situation.namespace.into()),
    ("{secret}", secret),
    ("{entry}", |field| reference(field).map(|secret| secret.entry()).unwrap_or_default()),
    ("{literals}", |field| field.situation.secrets.of(&field.path).map(|of| of.literals.clone()).unwrap_or_default()),
    ("{other}", |field| {
        let namesake = field.situation.secrets.of(&field.path).and_then(|of| of.namesake.as_ref());
        namesake.map(|namesake| namesake.path.clone()).unwrap_or_default()
    }),
    ("{config map}", config_map),
    ("{claim}", |field| object_names::claim(last_segment(field.text()))),
    ("{service account}", |field| object_names::service_account(last_segment(field.text()))),
    ("{family}", |field| object_names::label_value(field.text())),
    ("{container}", |field| object_names::container(field.text())),
    ("{port}", |field| object_names::container_port(&port_name(field))),
    ("{service port}", service_port),
    ("{volume}", |field| object_names::volume(field.text())),
    ("{folder}", |field| field.element()["name"].as_str().unwrap_or_default().into()),
    ("{hostname}", |field| object_names::hostname(field.text())),
    ("{credential spec}", |field| object_names::credential_spec(field.value[0].as_str().unwrap_or_default())),
    ("{namespace of the cluster}", |field| object_names::namespace(field.text())),
];

/// A detail with its names.
pub(super) fn fill(detail: &str, field: &Field<'_>) -> String {
    if !detail.contains('{') {
        return detail.to_owned();
    }
    let used = PLACEHOLDERS.iter().filter(|(placeholder, _)| detail.contains(placeholder));
    used.fold(detail.to_owned(), |text, (placeholder, fill)| text.replace(placeholder, &fill(field)))
}

fn reference(field: &Field<'_>) -> Option<SecretReference> {
    SecretReference::parse(field.text()).ok()
}

fn secret(field: &Field<'_>) -> String {
    reference(field).map_or_else(|| field.text().into(), |secret| object_names::secret(&secret.name))
}

fn config_map(field: &Field<'_>) -> String {
    let object = field.text().split_once(":s3:::").map_or(field.text(), |(_, object)| object);
    object_names::environment_file(object)
}

/// The name of a mapping's port; of a range that of its first one.
pub(super) fn port_name(field: &Field<'_>) -> String {
    let range = field.parent()["containerPortRange"].as_str();
    let first = range.and_then(|range| range.split_once('-')).filter(|(first, last)| first != last);
    first.map_or_else(|| field.text().to_owned(), |(first, _)| format!("{}-{first}", field.text()))
}

/// What the port is called in the Service.
pub(super) fn service_port(field: &Field<'_>) -> String {
    let mapping = field.parent();
    let protocol = mapping["protocol"].as_str().unwrap_or("tcp");
    let port = mapping["containerPort"].as_u64().and_then(|port| u16::try_from(port).ok()).unwrap_or_default();
    object_names::service_port(Some(&port_name(field)), protocol, port)
}
