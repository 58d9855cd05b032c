//! CPU units and memory, as ECS writes them: `256`, `"256"`, `".25 vCPU"`, `"0.5GB"`.

use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

/// CPU units: 1024 are one core.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CpuUnits(pub u32);

/// Mebibytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MebiBytes(pub u32);

/// Mebibytes above zero; `None` for any other number.
#[must_use]
pub fn mebibytes(value: i32) -> Option<MebiBytes> {
    u32::try_from(value).ok().filter(|value| *value > 0).map(MebiBytes)
}

/// Reads a task-level `cpu`. `None` when it is not a size (rule TD05).
#[must_use]
pub fn task_cpu(value: &IntOrString) -> Option<CpuUnits> {
    parse(value, "vcpu").map(CpuUnits)
}

/// Reads a task-level `memory`. `None` when it is not a size (rule TD05).
#[must_use]
pub fn task_memory(value: &IntOrString) -> Option<MebiBytes> {
    parse(value, "gb").map(MebiBytes)
}

/// A whole number of units, or a decimal number of `unit`s of 1024 each; above zero and whole in the end.
fn parse(value: &IntOrString, unit: &str) -> Option<u32> {
    let text = match value {
        IntOrString::Int(number) => return u32::try_from(*number).ok().filter(|number| *number > 0),
        IntOrString::String(text) => text.trim().to_ascii_lowercase(),
    };
    let units = match text.strip_suffix(unit) {
        Some(number) => times_1024(number.trim_end())?,
        None => digits(&text)?,
    };
    u32::try_from(units).ok().filter(|units| *units > 0)
}

/// `1.5` -> 1536, exactly: a binary fraction would round.
fn times_1024(decimal: &str) -> Option<u64> {
    const MOST_DECIMALS: usize = 10;
    let (whole, fraction) = decimal.split_once('.').unwrap_or((decimal, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.len() > MOST_DECIMALS {
        return None;
    }
    let scale = 10_u64.pow(u32::try_from(fraction.len()).ok()?);
    let whole = if whole.is_empty() { 0 } else { digits(whole)? };
    let fraction = if fraction.is_empty() { 0 } else { digits(fraction)? };
    let scaled = whole.checked_mul(scale)?.checked_add(fraction)?.checked_mul(1024)?;
    scaled.is_multiple_of(scale).then_some(scaled / scale)
}

fn digits(text: &str) -> Option<u64> {
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> IntOrString {
        IntOrString::String(text.into())
    }

    #[test]
    fn sizes_that_ecs_accepts() {
        for (value, units) in [("256", 256), ("1 vCPU", 1024), (".25 vCPU", 256), ("0.5vcpu", 512), (" 2 VCPU ", 2048)]
        {
            assert_eq!(task_cpu(&text(value)), Some(CpuUnits(units)), "{value}");
        }
        assert_eq!(task_cpu(&IntOrString::Int(512)), Some(CpuUnits(512)));
        for (value, mebibytes) in [("512", 512), ("0.5GB", 512), ("1 GB", 1024), ("30 gb", 30720)] {
            assert_eq!(task_memory(&text(value)), Some(MebiBytes(mebibytes)), "{value}");
        }
    }

    #[test]
    fn sizes_that_ecs_refuses() {
        for value in ["", "0", "-1", "vCPU", "1.1 vCPU", "256m", "1 GB", "one", "99999999999", ".", "1..5 vCPU", "+1"] {
            assert_eq!(task_cpu(&text(value)), None, "{value}");
        }
        assert_eq!(task_cpu(&IntOrString::Int(0)), None);
        assert_eq!(task_memory(&text("1 vCPU")), None);
    }
}
