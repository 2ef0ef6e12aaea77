//! Cues and playbook are read again without a restart, and a broken file changes nothing.

use std::fs;
use std::path::Path;
use std::time::Duration;

use ruhepol::config::Config;
use ruhepol::reload::keep_up;
use ruhepol::setup;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

const SHIPPED: &str = "models/playbook/de.toml";

fn shipped() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(SHIPPED)).unwrap()
}

#[test]
fn the_shipped_folder_is_a_playbook_of_ones_own() {
    let mut config = Config::default();
    let built_in = setup::rules(&config).unwrap();
    config.data.playbook_dir = Path::new(env!("CARGO_MANIFEST_DIR")).join(SHIPPED).parent().map(Path::to_owned);
    assert_eq!(setup::rules(&config).unwrap().hash, built_in.hash);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_file_comes_into_force_and_a_broken_one_does_not() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("de.toml");
    fs::write(&file, shipped()).unwrap();
    let mut config = Config::default();
    config.data.playbook_dir = Some(dir.path().to_owned());
    let (sender, mut rules) = watch::channel(setup::rules(&config).unwrap());
    let before = rules.borrow_and_update().hash.clone();
    let keeper = tokio::spawn(keep_up(config, sender));

    fs::write(&file, "this is = no playbook [").unwrap();
    assert!(timeout(Duration::from_secs(5), rules.changed()).await.is_err(), "a broken file must change nothing");
    assert_eq!(rules.borrow().hash, before);

    sleep(Duration::from_millis(20)).await;
    fs::write(&file, format!("{}\n# a remark\n", shipped())).unwrap();
    timeout(Duration::from_secs(20), rules.changed()).await.expect("a good file comes into force").unwrap();
    assert_ne!(rules.borrow().hash, before);
    drop(rules);
    timeout(Duration::from_secs(10), keeper).await.expect("nobody listens any more").unwrap().unwrap();
}
