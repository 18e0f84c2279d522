//! Sizes, versions and configurations; the beginning and the end of a latch.

use core::alloc::Layout;
use core::mem::MaybeUninit;
use core::mem::size_of;
use core::ptr::null;
use core::ptr::null_mut;

use tokenlatch::Config;
use tokenlatch::capi::*;
use tokenlatch::numbers::*;

use crate::support::Memory;
use crate::support::defaults;
use crate::support::init;
use crate::support::state;
use crate::support::text;

#[test]
fn the_version_is_that_of_the_package() {
    let parts: Vec<u32> = env!("CARGO_PKG_VERSION")
        .split('.')
        .map(|part| part.parse().unwrap())
        .collect();
    let [major, minor, patch] = parts[..] else {
        panic!()
    };
    assert_eq!(tl_version(), major << 16 | minor << 8 | patch);
    assert_eq!(text(tl_version_text()), env!("CARGO_PKG_VERSION"));
    let header = include_str!("../../include/tokenlatch.h");
    for (name, number) in [("MAJOR", major), ("MINOR", minor), ("PATCH", patch)] {
        assert!(header.contains(&format!("#define TL_VERSION_{name} {number}u\n")));
    }
}

#[test]
fn a_latch_leaves_a_tenth_of_its_memory_free() {
    assert_eq!(tl_latch_words() * 8, size_of::<tl_latch>());
    assert_eq!(tl_latch_align(), align_of::<u64>());
    assert!(tl_latch_size() * 11 / 10 <= size_of::<tl_latch>());
    assert_eq!(tl_record_capacity(), tl_token_capacity() * 2 + 128);
}

#[test]
fn sizes_and_versions_that_do_not_fit_are_refused() {
    let config = defaults();
    let (size, config_size) = (tl_latch_size(), size_of::<tl_config>());
    let version = tl_version();
    let memory = Memory::filled(0);
    let before = memory.seen();
    let init = |size, config_size, version| {
        // SAFETY: there is as much memory as the largest size says, or it is refused.
        unsafe {
            tl_latch_init_sized(
                memory.at(),
                size,
                &raw const config,
                config_size,
                1,
                version,
            )
        }
    };
    for (size, config_size, version) in [
        (size - 1, config_size, version),
        (0, config_size, version),
        (size, config_size + 4, version),
        (size, config_size - 4, version),
        (size, 0, version),
        (size, config_size, version + 1),
        (size, config_size, version + 0x100),
        (size, config_size, version + 0x1_0000),
        (size, config_size, version - 0x100),
        (size, config_size, 0),
    ] {
        assert_eq!(init(size, config_size, version), TL_ERR_ABI);
    }
    assert!(memory.seen() == before);
    assert_eq!(init(size, config_size, version), TL_OUTCOME_DONE);
}

#[test]
fn the_defaults_are_those_of_the_library() {
    let expected = Config::new();
    let config = defaults();
    assert_eq!(config.wait_limit_ms, expected.wait_limit_ms);
    assert_eq!(config.login_timeout_ms, expected.login_timeout_ms);
    assert_eq!(config.attempts, expected.attempts.into());
    assert_eq!(
        (config.store, config.confirmation),
        (1, TL_CONFIRMATION_STORED)
    );
    // SAFETY: memory for a configuration.
    unsafe {
        // A caller that knows only some of the fields.
        let mut part = [0xAAAA_AAAA_u32; 30];
        tl_config_init_sized(part.as_mut_ptr().cast(), 8);
        assert_eq!(part[..3], [1, TL_CONFIRMATION_STORED, 0xAAAA_AAAA]);
        // One that knows more.
        tl_config_init_sized(part.as_mut_ptr().cast(), 30 * 4);
        assert_eq!(part[27..], [3, 0, 0]);
        tl_config_init_sized(null_mut(), 8);
    }
}

type Change = fn(&mut tl_config);

fn check(config: &tl_config) -> (i32, &'static str) {
    let mut field = c"none".as_ptr();
    // SAFETY: a configuration, and memory for the name.
    let told = unsafe { tl_config_check_sized(config, size_of::<tl_config>(), &raw mut field) };
    (told, text(field))
}

#[test]
fn what_is_wrong_with_a_configuration_is_named() {
    assert_eq!(check(&defaults()), (TL_OUTCOME_DONE, "none"));
    let changed = |change: Change| {
        let mut config = defaults();
        change(&mut config);
        let told = check(&config);
        assert_eq!(init(Memory::filled(0).at(), &config), told.0);
        told
    };
    let arguments: [(Change, &str); 12] = [
        (|config| config.store = 2, "store"),
        (|config| config.confirmation = 4, "confirmation"),
        (|config| config.lease = 2, "lease"),
        (|config| config.credential = 2, "credential"),
        (|config| config.renewal = 2, "renewal"),
        (|config| config.when_signed_out = 2, "when_signed_out"),
        (|config| config.when_unavailable = 2, "when_unavailable"),
        (
            |config| config.serve_while_refreshing = 2,
            "serve_while_refreshing",
        ),
        (|config| config.require_challenge = 2, "require_challenge"),
        (|config| config.max_attempts = 256, "max_attempts"),
        (|config| config.budget = 256, "budget"),
        (|config| config.attempts = 256, "attempts"),
    ];
    for (change, field) in arguments {
        assert_eq!(changed(change), (TL_ERR_ARGUMENT, field));
    }
    let zeros: [(Change, &str); 13] = [
        (|config| config.max_attempts = 0, "max_attempts"),
        (|config| config.attempts = 0, "attempts"),
        (|config| config.budget = 0, "budget"),
        (|config| config.wait_limit_ms = 0, "wait_limit_ms"),
        (|config| config.backoff_base_ms = 0, "backoff_base_ms"),
        (|config| config.budget_window_ms = 0, "budget_window_ms"),
        (|config| config.store_timeout_ms = 0, "store_timeout_ms"),
        (|config| config.token_timeout_ms = 0, "token_timeout_ms"),
        (|config| config.probe_timeout_ms = 0, "probe_timeout_ms"),
        (|config| config.revoke_timeout_ms = 0, "revoke_timeout_ms"),
        (|config| config.lease_timeout_ms = 0, "lease_timeout_ms"),
        (|config| config.login_timeout_ms = 0, "login_timeout_ms"),
        (|config| config.clock_tolerance_ms = 0, "clock_tolerance_ms"),
    ];
    for (change, field) in zeros {
        assert_eq!(changed(change), (TL_ERR_CONFIG_ZERO, field));
    }
    let told = changed(|config| (config.store, config.lease) = (0, 1));
    assert_eq!(told, (TL_ERR_CONFIG_LEASE_WITHOUT_STORE, "lease"));
    let told = changed(|config| config.store = 0);
    assert_eq!(
        told,
        (TL_ERR_CONFIG_CONFIRMATION_WITHOUT_STORE, "confirmation")
    );
    let told = changed(|config| config.credential = TL_CREDENTIAL_AMBIENT);
    assert_eq!(told, (TL_ERR_CONFIG_AMBIENT_WITHOUT_PROBE, "confirmation"));
    let told = changed(|config| config.backoff_cap_ms = 1);
    assert_eq!(told, (TL_ERR_CONFIG_BACKOFF_CAP, "backoff_cap_ms"));
    let told = changed(|config| (config.lease, config.lease_timeout_ms) = (1, 1));
    assert_eq!(told, (TL_ERR_CONFIG_LEASE_TIMEOUT, "lease_timeout_ms"));
}

#[test]
fn every_choice_of_a_configuration_can_be_made() {
    for (confirmation, credential) in [(0, 0), (1, 0), (2, 0), (3, 0), (3, 1)] {
        let mut config = defaults();
        (config.confirmation, config.credential) = (confirmation, credential);
        (config.lease, config.renewal) = (TL_LEASE_HOST, TL_RENEWAL_LOGIN);
        (config.when_signed_out, config.when_unavailable) = (TL_WAITING_REFUSE, TL_WAITING_REFUSE);
        assert_eq!(check(&config).0, TL_OUTCOME_DONE);
    }
    let mut config = defaults();
    (config.store, config.confirmation) = (0, TL_CONFIRMATION_MEMORY);
    assert_eq!(check(&config).0, TL_OUTCOME_DONE);
    // SAFETY: the name is not asked for; then there is no configuration.
    unsafe {
        config.store = 1;
        let size = size_of::<tl_config>();
        assert_eq!(
            tl_config_check_sized(&raw const config, size, null_mut()),
            0
        );
        assert_eq!(
            tl_config_check_sized(null(), size, null_mut()),
            TL_ERR_ARGUMENT
        );
    }
}

#[test]
fn wiped_memory_is_zero_and_can_be_used_again() {
    let memory = Memory::ready();
    // SAFETY: a latch, then none.
    unsafe {
        tl_latch_wipe(memory.at());
        for index in 0..tl_latch_size() {
            assert_eq!(memory.at().cast::<u8>().add(index).read(), 0);
        }
        tl_latch_wipe(memory.at());
    }
    assert_eq!(init(memory.at(), &defaults()), TL_OUTCOME_DONE);
    // Again, over a latch.
    assert_eq!(init(memory.at(), &defaults()), TL_OUTCOME_DONE);
    // SAFETY: a latch.
    assert_eq!(unsafe { tl_opened(memory.at(), 0, 0) }, TL_OUTCOME_DONE);
}

#[test]
fn memory_of_the_hosts_own_is_wiped_to_its_length() {
    let mut bytes = [7_u8; 4];
    // SAFETY: there are as many bytes.
    unsafe { tl_wipe(bytes.as_mut_ptr().cast(), 3) };
    assert_eq!(bytes, [0, 0, 0, 7]);
}

/// It knows where it stands: what it was asked to do would be done to a copy, and forgotten.
#[test]
fn a_latch_that_was_moved_is_none() {
    let size = size_of::<tl_latch>();
    let layout = Layout::from_size_align(2 * size, 1_024).unwrap();
    let mut bytes = vec![MaybeUninit::<u8>::uninit(); size];
    // SAFETY: as much as two latches take is allocated, and each place in it is aligned for one.
    unsafe {
        let at = std::alloc::alloc_zeroed(layout);
        assert!(!at.is_null());
        assert_eq!(init(at.cast(), &defaults()), TL_OUTCOME_DONE);
        core::ptr::copy_nonoverlapping(at.cast(), bytes.as_mut_ptr(), size);
        for place in (8..1_024).step_by(8).chain([0]) {
            let at = at.add(place);
            core::ptr::copy_nonoverlapping(bytes.as_ptr(), at.cast(), size);
            let expected = match place {
                0 => state(TL_STATE_UNAUTHENTICATED),
                _ => TL_ERR_UNINIT,
            };
            assert_eq!(tl_state(at.cast()), expected, "{place}");
        }
        tl_latch_wipe(at.cast());
        std::alloc::dealloc(at, layout);
    }
}
