//! What is likely or certainly wrong in a topology that can be read: one file and one page each.
//!
//! This room knows graphs and topologies. It may not know plans or brokers.

mod circles;
mod context;
mod dying;
mod edit;
#[cfg(feature = "cli")]
mod index;
mod levels;
mod policies;
mod refusal;

mod admin_service_user;
mod ae_cycle;
mod ae_missing;
mod ae_not_reached_via_e2e;
mod arg_bad_type;
mod arg_out_of_range;
mod arg_wrong_queue_type;
mod at_least_once_cycle;
mod at_least_once_ineffective;
mod at_least_once_unbounded;
mod at_most_once_delay;
mod auto_ack_critical;
mod binding_never_matches;
mod classic_critical_4x;
mod classic_no_delivery_limit;
mod competing_services;
mod consume_no_producer;
mod default_exchange_binding;
mod default_exchange_permission;
mod delayed_exchange_critical;
mod delivery_limit_disabled;
mod delivery_limit_not_int;
mod dlq_unwatched;
mod dlrk_without_dlx_arg;
mod dlx_delivery_limit_loop;
mod dlx_missing_exchange;
mod dlx_not_durable;
mod dlx_self_loop;
mod dlx_unroutable;
mod drop_head_critical;
mod duplicate_delivery;
mod durable_flow_transient_hop;
mod e2e_cycle;
mod even_quorum_size;
mod expires_durable_critical;
mod feature_denied;
mod feature_ignored;
mod feature_too_new;
mod federation_key_conflict;
mod federation_mesh_duplicates;
mod federation_unknown_upstream;
mod guest_user;
mod ha_policy_4x;
mod hash_both_args;
mod hash_duplicate_destination;
mod hash_weight_not_int;
mod headers_all_x_only;
mod headers_any_empty;
mod headers_ignored;
mod headers_type_mismatch;
mod implicit_queue_type;
mod infinite_reject_loop;
mod key_on_fanout_ignored;
mod local_random_bad_binding;
mod message_no_consumer;
mod mixed_message_types;
mod name_too_long;
mod near_duplicate_name;
mod operator_policy_clamps;
mod permission_dot_star;
mod permission_excess;
mod permission_insufficient;
mod permission_unanchored;
mod plaintext_password;
mod policy_hidden_by_higher;
mod policy_late_stream_key;
mod policy_matches_nothing;
mod policy_overridden_by_arg;
mod policy_tie;
mod policy_unanchored;
mod policy_unsupported_key;
mod prefetch_extreme;
mod prefetch_unlimited;
mod priority_missing_on_classic;
mod priority_out_of_range;
mod publish_internal_exchange;
mod quorum_no_dlx;
mod quorum_not_durable;
mod quorum_reject_publish_dlx;
mod reserved_name;
mod retry_hol_blocking;
mod retry_ladder_not_increasing;
mod retry_queue_consumed;
mod retry_rejoins_fanout;
mod rpc_cycle;
mod rpc_no_reply_path;
mod sac_high_prefetch;
mod shadowed_binding;
mod shared_dlq_key_collision;
mod shovel_delete_after_no_ack;
mod shovel_loop;
mod shovel_unsafe_ack;
mod stream_consumer_no_prefetch;
mod stream_no_retention;
mod stream_ttl_or_dlx;
mod too_many_priorities;
mod topic_permission_absent;
mod topic_too_many_hashes;
mod topic_wildcard_partial_word;
mod transient_critical;
mod unbounded_queue;
mod unknown_exchange;
mod unknown_policy_key;
mod unknown_queue;
mod unknown_x_argument;
mod unreachable_queue;
mod unroutable_publish;
mod uri_credentials;
mod wildcard_on_direct;
mod x_death_republish_counter;

pub use context::Context;
#[cfg(feature = "cli")]
pub use index::index;

use crate::{
    diag::{Code, Report, Severity},
    graph::Graph,
    threads,
};

/// A lint: its identity, its page, and what finds it.
#[derive(Clone, Copy, Debug)]
pub struct Lint {
    /// Its stable code, name, severity and a summary in one line.
    pub code: Code,
    /// Its page: what it does, why it matters, an example, what to use instead.
    pub page: &'static str,
    /// Finds it.
    pub check: fn(&Context<'_, '_>, &mut Report),
}

impl Lint {
    /// Whether `check --fix` mends what can be mended of it: then its page says what is.
    #[must_use]
    pub fn is_fixable(&self) -> bool {
        self.page.contains("\n## Fix\n")
    }
}

/// Every lint, in the order of the codes.
pub const LINTS: &[Lint] = &[
    unknown_exchange::LINT,
    unknown_queue::LINT,
    reserved_name::LINT,
    name_too_long::LINT,
    default_exchange_binding::LINT,
    near_duplicate_name::LINT,
    unknown_x_argument::LINT,
    arg_wrong_queue_type::LINT,
    arg_bad_type::LINT,
    arg_out_of_range::LINT,
    quorum_not_durable::LINT,
    dlrk_without_dlx_arg::LINT,
    quorum_reject_publish_dlx::LINT,
    delivery_limit_not_int::LINT,
    stream_ttl_or_dlx::LINT,
    local_random_bad_binding::LINT,
    hash_both_args::LINT,
    implicit_queue_type::LINT,
    dlx_missing_exchange::LINT,
    dlx_unroutable::LINT,
    dlx_self_loop::LINT,
    dlx_delivery_limit_loop::LINT,
    infinite_reject_loop::LINT,
    at_least_once_ineffective::LINT,
    at_least_once_unbounded::LINT,
    at_least_once_cycle::LINT,
    dlx_not_durable::LINT,
    shared_dlq_key_collision::LINT,
    retry_hol_blocking::LINT,
    retry_ladder_not_increasing::LINT,
    retry_queue_consumed::LINT,
    retry_rejoins_fanout::LINT,
    dlq_unwatched::LINT,
    at_most_once_delay::LINT,
    x_death_republish_counter::LINT,
    unroutable_publish::LINT,
    unreachable_queue::LINT,
    binding_never_matches::LINT,
    topic_wildcard_partial_word::LINT,
    topic_too_many_hashes::LINT,
    wildcard_on_direct::LINT,
    key_on_fanout_ignored::LINT,
    shadowed_binding::LINT,
    duplicate_delivery::LINT,
    headers_all_x_only::LINT,
    headers_any_empty::LINT,
    headers_type_mismatch::LINT,
    ae_not_reached_via_e2e::LINT,
    ae_missing::LINT,
    ae_cycle::LINT,
    hash_weight_not_int::LINT,
    hash_duplicate_destination::LINT,
    publish_internal_exchange::LINT,
    e2e_cycle::LINT,
    headers_ignored::LINT,
    transient_critical::LINT,
    durable_flow_transient_hop::LINT,
    auto_ack_critical::LINT,
    quorum_no_dlx::LINT,
    delivery_limit_disabled::LINT,
    classic_no_delivery_limit::LINT,
    classic_critical_4x::LINT,
    even_quorum_size::LINT,
    expires_durable_critical::LINT,
    delayed_exchange_critical::LINT,
    sac_high_prefetch::LINT,
    unbounded_queue::LINT,
    drop_head_critical::LINT,
    too_many_priorities::LINT,
    priority_missing_on_classic::LINT,
    priority_out_of_range::LINT,
    prefetch_unlimited::LINT,
    prefetch_extreme::LINT,
    stream_no_retention::LINT,
    stream_consumer_no_prefetch::LINT,
    guest_user::LINT,
    admin_service_user::LINT,
    permission_dot_star::LINT,
    permission_insufficient::LINT,
    permission_excess::LINT,
    permission_unanchored::LINT,
    default_exchange_permission::LINT,
    topic_permission_absent::LINT,
    plaintext_password::LINT,
    uri_credentials::LINT,
    feature_too_new::LINT,
    feature_denied::LINT,
    ha_policy_4x::LINT,
    policy_tie::LINT,
    policy_matches_nothing::LINT,
    policy_unsupported_key::LINT,
    policy_hidden_by_higher::LINT,
    policy_overridden_by_arg::LINT,
    policy_unanchored::LINT,
    policy_late_stream_key::LINT,
    operator_policy_clamps::LINT,
    unknown_policy_key::LINT,
    feature_ignored::LINT,
    message_no_consumer::LINT,
    consume_no_producer::LINT,
    mixed_message_types::LINT,
    rpc_no_reply_path::LINT,
    rpc_cycle::LINT,
    competing_services::LINT,
    federation_mesh_duplicates::LINT,
    federation_key_conflict::LINT,
    federation_unknown_upstream::LINT,
    shovel_loop::LINT,
    shovel_unsafe_ack::LINT,
    shovel_delete_after_no_ack::LINT,
];

/// The lint of a name or code.
#[must_use]
pub fn find(name: &str) -> Option<&'static Lint> {
    LINTS.iter().find(|lint| lint.code.name == name || lint.code.code.eq_ignore_ascii_case(name))
}

const fn error(code: &'static str, name: &'static str, summary: &'static str) -> Code {
    Code { code, name, severity: Severity::Error, summary }
}

const fn warning(code: &'static str, name: &'static str, summary: &'static str) -> Code {
    Code { code, name, severity: Severity::Warning, summary }
}

const fn hint(code: &'static str, name: &'static str, summary: &'static str) -> Code {
    Code { code, name, severity: Severity::Hint, summary }
}

/// From how many entities on the lints share out the machine's cores.
const MANY: usize = 2_000;

/// Runs every lint, then applies the levels and `allow`s that the topology states.
pub fn run(graph: &Graph<'_>, report: &mut Report) {
    let context = Context::new(graph);
    // a small topology is done before a thread has begun
    let share = if graph.topology.definitions().len() < MANY { LINTS.len() } else { 1 };
    let reports = threads::map(LINTS, share, |lint| {
        let mut found = Report::default();
        (lint.check)(&context, &mut found);
        found
    });
    let mut found = Report::default();
    for report in reports {
        found.extend(report);
    }
    levels::apply(graph.topology, found, report);
}
