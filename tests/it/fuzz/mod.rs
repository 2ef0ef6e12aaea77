//! Everything that reads what others wrote, fed with what nobody would write: no input may panic, loop or break a promise.
//!
//! `make test` replays the corpus and a few thousand mutations of it, always the same ones. `make fuzz` goes on for
//! `RUHEPOL_FUZZ_S` seconds with new ones. An input that breaks something is kept in `tests/corpus/TARGET/` and belongs
//! into the repository once the fault is mended. Mutations are blind (no coverage guides them, so no nightly compiler is
//! needed); the seeds and the dictionary of each target know its language instead.

mod call;
mod mutate;
mod talk;
mod targets;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime};

use self::mutate::Mutator;
use self::targets::{TARGETS, Target};

/// Mutations per target in `make test`, divided by what one costs.
const SHORT: u64 = 3_000;

fn corpus(target: &Target) -> Vec<Vec<u8>> {
    let mut inputs: Vec<Vec<u8>> = target.seeds.iter().map(|seed| seed.as_bytes().to_vec()).collect();
    inputs.extend((target.more)());
    let mut kept: Vec<PathBuf> =
        std::fs::read_dir(folder(target)).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    kept.sort();
    inputs.extend(kept.iter().map(|path| std::fs::read(path).unwrap()));
    assert!(!inputs.is_empty(), "{} has no seed", target.name);
    inputs
}

fn folder(target: &Target) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(target.name)
}

/// Runs one input; where it was kept if it broke something.
fn survives(target: &Target, input: &[u8]) -> Result<(), String> {
    if catch_unwind(AssertUnwindSafe(|| (target.run)(input))).is_ok() {
        return Ok(());
    }
    let hash = input
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3));
    let path = folder(target).join(format!("{hash:016x}"));
    std::fs::create_dir_all(folder(target)).unwrap();
    std::fs::write(&path, input).unwrap();
    Err(format!("{}: kept in {}", target.name, path.display()))
}

#[derive(Debug, Default)]
struct Told {
    executions: u64,
    slowest: Duration,
    /// By all threads together.
    spent: Duration,
    broken: Vec<String>,
}

/// Mutates the corpus of a target until `enough`, at most three faults long.
fn fuzz(target: &Target, seed: u64, enough: impl Fn(u64) -> bool) -> Told {
    let inputs = corpus(target);
    let mut told = Told::default();
    let mut mutator = Mutator::new(seed, target.words);
    let begun = Instant::now();
    while !enough(told.executions) && told.broken.len() < 3 {
        let input = match inputs.get(usize::try_from(told.executions).unwrap()) {
            Some(input) => input.clone(),
            None => mutator.mutate(&inputs, target.longest),
        };
        let started = Instant::now();
        told.broken.extend(survives(target, &input).err());
        told.slowest = told.slowest.max(started.elapsed());
        told.executions += 1;
    }
    told.spent = begun.elapsed();
    told
}

#[test]
fn the_corpus_and_some_mutations_break_nothing() {
    let mut broken = Vec::new();
    for target in TARGETS {
        let most = (SHORT / target.cost).max(30) + corpus(target).len() as u64;
        broken.extend(fuzz(target, 1, |done| done >= most).broken);
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// `make fuzz`
#[test]
#[ignore = "as long as RUHEPOL_FUZZ_S says: make fuzz"]
fn for_a_long_time() {
    let number = |name: &str| std::env::var(name).ok().map(|value| value.parse::<u64>().unwrap());
    let whole = Duration::from_secs(number("RUHEPOL_FUZZ_S").unwrap_or(600));
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos() as u64;
    let seed = number("RUHEPOL_FUZZ_SEED").unwrap_or(now);
    let only = std::env::var("RUHEPOL_FUZZ_TARGET").ok();
    let chosen: Vec<&Target> =
        TARGETS.iter().filter(|target| only.as_deref().is_none_or(|name| name == target.name)).collect();
    assert!(!chosen.is_empty(), "no such target");
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    // Every thread takes its turn at every target; those that are quick get more of the time, since they have more to try.
    let weight = |target: &Target| 8 / target.cost.clamp(1, 8);
    let weights: u64 = chosen.iter().map(|target| weight(target)).sum();
    let share = |target: &Target| whole.mul_f64(weight(target) as f64 / weights as f64);
    let told: Mutex<BTreeMap<&str, Told>> = Mutex::default();
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let (chosen, told, share) = (&chosen, &told, &share);
            scope.spawn(move || {
                for target in chosen {
                    let until = Instant::now() + share(target);
                    let one = fuzz(target, seed.wrapping_add(thread as u64), |_| Instant::now() >= until);
                    let mut told = told.lock().unwrap();
                    let all = told.entry(target.name).or_default();
                    all.executions += one.executions;
                    all.spent += one.spent;
                    all.slowest = all.slowest.max(one.slowest);
                    all.broken.extend(one.broken);
                }
            });
        }
    });
    let told = told.into_inner().unwrap();
    println!("seed {seed}, {threads} threads, {} s", whole.as_secs());
    for (name, one) in &told {
        let a_second = one.executions as f64 / one.spent.as_secs_f64().max(0.001);
        println!(
            "{name:<14} {:>10} executions, {a_second:>7.0} a second, the slowest {:>6} ms",
            one.executions,
            one.slowest.as_millis()
        );
    }
    println!("{:<14} {:>10}", "all", told.values().map(|one| one.executions).sum::<u64>());
    let broken: Vec<&String> = told.values().flat_map(|one| &one.broken).collect();
    assert!(broken.is_empty(), "{broken:#?}");
}
