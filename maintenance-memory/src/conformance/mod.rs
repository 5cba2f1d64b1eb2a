//! What every store must do, as tests of your own implementation of `Repository` (feature `conformance`).
//!
//! [`conformance!`](crate::conformance!) makes a test of each case. A case is a function that acts on a [`World`]
//! over a fresh store, through the use cases and, where they can't bring a state about, through the store itself.
//! Here a store that hands every call to another:
//!
//! ```
#![doc = include_str!("../../tests/my_store.rs")]
//! ```
//!
//! Each case has a runtime of its own (tokio, two threads), and no case waits for time to pass: the clock is the
//! world's. A new version of this crate may add cases.
//!
//! The suite says nothing of what only your store has: how it answers when its server is gone or a row is spoilt,
//! or how fast it is. Run it a second time inside an open transaction if your store can be lent one.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "this module is test code: a failed expectation is its result"
)]

pub mod assign;
mod attempts;
pub mod batch;
pub mod changed;
pub mod channels;
pub mod chat;
pub mod claims;
pub mod conversation;
pub mod deliveries;
pub mod edit;
pub mod events;
pub mod export;
pub mod forget;
pub mod hold;
pub mod import;
pub mod isolation;
pub mod lists;
pub mod news;
pub mod numbers;
pub mod opt_out;
pub mod outbox;
mod phones;
pub mod refused;
pub mod reopening;
pub mod replies;
pub mod retention;
pub mod screens;
pub mod status;
pub mod submit;
pub mod unassign;
pub mod workers;
mod world;

use maintenance_core::Organizations;

pub use world::{World, accepted, file_one, refused};

/// Runs a case on a fresh store, on a runtime of its own. What comes with the store lives until the case has ended.
pub fn run<R: Organizations + 'static, K>(
    fresh: impl AsyncFnOnce() -> (R, K),
    case: impl AsyncFnOnce(World),
) {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(2).enable_all().build().expect("a runtime can be made");
    runtime.block_on(async {
        let (repository, _alive) = fresh().await;
        case(World::new(repository)).await;
    });
}

/// Makes a test of each case, in the module where it stands. `$fresh` is the path of an async function that
/// returns a fresh store, which has several organisations' rows, and whatever must live as long as it is used, such as the folder of its
/// file; `()` if nothing.
///
/// The [module's documentation](mod@crate::conformance) has an example.
#[macro_export]
macro_rules! conformance {
    ($fresh:path) => {
        $crate::conformance!(@ $fresh;
            workers: adding_a_worker_keeps_every_field,
            workers: adding_a_worker_twice_with_one_id_adds_one,
            workers: bad_worker_input_names_every_wrong_field,
            workers: updating_a_worker_changes_what_was_named_alone,
            workers: concurrent_updates_of_a_worker_are_all_kept,
            workers: a_worker_saved_on_an_older_version_is_a_conflict,
            workers: there_is_one_primary_worker_a_complex,
            workers: assigning_a_complex_twice_keeps_the_first_assignment,
            workers: unassigning_ends_an_assignment_once,
            workers: only_a_known_worker_can_be_assigned_a_complex,
            submit: submitting_files_the_request_and_its_message_together,
            submit: submitting_twice_with_one_id_files_one_request,
            submit: submitting_other_content_with_one_id_is_a_conflict_naming_both,
            submit: submitting_at_the_same_moment_with_one_id_files_one_request,
            submit: bad_input_names_every_wrong_field_and_its_rule,
            submit: nobody_suitable_files_the_request_unassigned_and_says_why,
            submit: the_specialist_goes_before_the_primary_generalist,
            submit: a_worker_on_leave_is_passed_over,
            submit: the_least_busy_worker_is_chosen,
            submit: the_load_is_counted_of_who_has_a_trade_that_serves,
            submit: an_emergency_ignores_capacity,
            submit: a_directory_that_fails_files_nothing,
            submit: a_worker_who_left_after_ranking_gets_no_request,
            assign: an_unassigned_request_is_assigned_by_selection_later,
            assign: reassigning_by_hand_tells_the_new_worker_alone,
            assign: a_worker_who_was_told_hears_that_it_is_no_longer_theirs,
            assign: a_worker_hears_once_that_it_is_no_longer_theirs,
            assign: each_change_of_worker_leaves_its_row,
            assign: reassigning_work_in_progress_puts_it_back_to_pending_with_a_note,
            assign: a_worker_who_handed_back_or_is_unreachable_is_not_selected_again,
            assign: only_landlords_assign_and_only_active_workers_are_assigned,
            assign: work_that_is_over_cannot_be_assigned,
            assign: a_failed_message_can_be_sent_again_by_a_person,
            unassign: a_landlord_takes_a_request_from_its_worker,
            unassign: a_worker_gives_up_what_they_have_not_begun,
            unassign: unassigning_work_in_progress_puts_it_back_to_pending_with_a_note,
            edit: each_field_is_edited_and_recorded,
            edit: an_edit_that_changes_nothing_writes_nothing,
            edit: a_bad_edit_names_every_wrong_field,
            edit: everyone_edits_what_the_table_lets_them,
            edit: an_editor_who_saw_an_older_version_gets_a_conflict,
            edit: two_editors_at_once_do_not_undo_each_other,
            edit: a_trade_that_is_added_is_selected_for_at_once,
            edit: a_repeat_of_the_submit_is_recognised_after_an_edit,
            changed: a_message_that_waits_says_the_request_as_edited,
            changed: a_worker_who_was_told_hears_of_the_change_once,
            changed: a_change_is_told_to_nobody_whom_it_does_not_concern,
            changed: a_change_before_the_request_comes_back_is_not_told_apart,
            changed: what_was_taken_before_an_edit_is_followed_by_the_change,
            changed: a_raised_priority_moves_the_waiting_message_forward,
            hold: a_hold_is_set_replaced_and_ended,
            hold: a_bad_hold_names_every_wrong_field,
            hold: a_hold_ends_with_the_work_that_it_is_about,
            status: each_change_writes_one_history_row,
            status: completing_sets_completed_at_and_reopening_clears_it,
            status: handing_back_ends_the_assignment,
            status: reopening_tells_the_worker_again,
            status: every_transition_follows_the_table,
            status: of_two_callers_one_wins_and_the_other_learns_the_current_status,
            status: a_caller_who_saw_another_status_gets_a_conflict,
            status: a_refused_change_writes_nothing,
            status: history_keeps_its_order_when_the_clock_goes_back,
            batch: submitting_many_answers_each_as_a_submit_alone_would,
            batch: a_batch_spreads_over_the_workers_as_single_submits_would,
            batch: a_store_files_many_in_one_step_and_refuses_each_alone,
            batch: the_work_of_a_worker_who_falls_ill_goes_to_others,
            assign: a_decision_made_meanwhile_is_not_overwritten,
            assign: of_many_who_assign_at_once_one_wins,
            assign: telling_a_worker_on_leave_again_says_that_they_are_on_leave,
            assign: a_request_reopened_for_a_worker_who_left_is_nobodys,
            batch: reassigning_all_twice_at_once_moves_each_request_once,
            batch: requests_are_counted_by_status,
            batch: a_burst_spreads_over_the_workers,
            batch: a_caller_who_goes_away_takes_nobody_along,
            batch: several_submits_with_one_id_at_once_file_one_request,
            conversation: comments_and_attachments_are_part_of_the_record,
            conversation: a_comment_twice_with_one_id_is_one_comment,
            conversation: a_renter_comments_on_their_own_requests_only,
            conversation: attachments_are_web_addresses_with_a_mime_type,
            conversation: nothing_can_be_added_to_a_request_that_is_not_there,
            lists: requests_are_listed_newest_first_in_pages,
            lists: pages_stay_right_while_requests_are_filed,
            lists: every_filter_of_requests_holds,
            lists: workers_and_comments_are_listed_in_pages,
            lists: a_bad_page_request_names_what_is_wrong,
            screens: filters_and_orders_agree_with_the_model,
            screens: pages_in_every_order_stay_right_while_requests_are_filed,
            screens: texts_are_found_by_their_words,
            screens: a_search_finds_the_newest_texts,
            screens: too_many_complexes_are_refused,
            numbers: each_request_has_a_number_of_its_own,
            numbers: a_number_is_found_in_its_organisation,
            outbox: a_due_message_is_sent_once,
            claims: two_dispatchers_share_the_work,
            outbox: a_refusal_is_retried_after_the_backoff,
            outbox: the_wait_that_the_channel_asks_for_is_honoured,
            outbox: an_unknown_outcome_is_held_for_the_confirmation_window,
            outbox: what_may_have_gone_out_is_held_whatever_comes_next,
            outbox: a_webhook_settles_an_unknown_outcome,
            claims: a_dispatcher_that_died_is_followed_after_the_hold,
            claims: a_late_record_does_not_overwrite_its_successor,
            outbox: a_recipient_whose_limit_is_reached_waits_and_the_others_go_on,
            claims: what_waits_for_one_recipient_is_put_back_spread_out,
            claims: the_urgent_are_taken_first,
            outbox: a_bad_token_pauses_the_channel_and_burns_no_attempt,
            outbox: passing_errors_fail_a_message_by_its_age_alone,
            outbox: a_final_refusal_fails_a_message_at_once,
            claims: a_message_taken_too_often_without_an_outcome_fails,
            claims: that_a_message_was_sent_counts_after_its_lease_too,
            outbox: a_worker_who_is_not_active_any_more_is_told_nothing,
            outbox: a_worker_gets_one_message_however_often_it_was_filed,
            outbox: a_message_that_is_no_longer_true_is_not_sent,
            outbox: a_failing_directory_stops_no_message,
            outbox: an_unknown_renter_does_not_stop_the_message,
            deliveries: news_moves_a_message_forward_only,
            deliveries: news_in_any_order_and_twice_ends_in_the_same_state,
            deliveries: news_ahead_of_the_sends_own_record_is_kept,
            deliveries: a_batch_with_several_news_of_one_message_ends_as_they_would_alone,
            deliveries: unknown_messages_are_reported,
            deliveries: news_without_our_id_ahead_of_the_sends_own_record_is_kept,
            deliveries: news_kept_for_too_long_is_forgotten,
            deliveries: every_copy_of_a_message_is_found_by_its_own_id,
            deliveries: a_failure_that_passes_files_the_message_anew_once,
            deliveries: a_failure_about_us_rests_the_channel,
            deliveries: the_request_mirrors_its_newest_message,
            events: what_happens_to_a_request_is_told_in_order,
            events: what_did_not_happen_is_not_told,
            events: events_are_kept_until_everybody_is_done_with_them,
            events: events_are_read_in_pages_and_as_a_stream,
            events: a_callback_gets_each_event_until_it_is_handled,
            events: a_channel_that_needs_a_person_is_told_of_once,
            events: events_name_their_organisation,
            isolation: an_id_of_another_organisation_is_an_id_that_nobody_has,
            isolation: an_id_that_another_organisation_has_used_is_refused,
            isolation: each_organisation_has_its_own_workers_in_a_complex,
            isolation: one_dispatcher_sends_the_messages_of_all,
            isolation: an_actor_finds_what_they_may_see,
            isolation: an_id_used_on_a_request_that_is_not_seen_is_refused,
            channels: a_message_goes_by_the_channel_that_it_was_filed_with,
            channels: without_channels_every_message_goes_by_the_default_one,
            channels: a_stopped_channel_stops_no_other,
            channels: a_claim_minds_the_channels_that_rest_and_that_are_tried,
            channels: everybody_has_their_turn_in_a_storm,
            channels: every_claim_takes_what_the_model_says,
            channels: news_of_another_channel_changes_nothing,
            channels: a_failure_told_by_webhook_rests_its_own_channel,
            export: an_exported_request_is_imported_as_it_was,
            import: a_line_may_leave_out_what_an_older_system_does_not_know,
            import: importing_again_changes_nothing,
            import: another_request_under_an_id_that_is_there_is_refused,
            refused: a_refused_line_is_named_with_all_that_is_wrong,
            import: an_id_that_is_taken_refuses_its_request_alone,
            import: a_request_of_an_unknown_worker_is_refused_alone,
            import: an_import_stays_within_its_organization,
            import: imports_at_the_same_time_write_each_request_once,
            import: an_imported_open_request_is_worked_on_like_any_other,
            export: a_persons_data_is_exported_whole,
            forget: forgetting_a_renter_leaves_figures_and_no_text,
            forget: what_still_waits_goes_out_without_the_texts,
            forget: forgotten_texts_are_found_no_more,
            forget: what_phones_said_of_their_requests_is_forgotten,
            forget: an_open_request_refuses_to_be_forgotten,
            forget: forgetting_stays_within_its_organization,
            forget: what_is_forgotten_is_not_submitted_again_under_its_id,
            replies: what_follows_from_each_message_is_in_the_table,
            chat: a_worker_does_the_whole_job_from_the_chat,
            chat: a_job_that_is_declined_goes_to_the_next,
            chat: of_two_who_tap_after_a_reassignment_one_moves_the_request,
            chat: a_text_waits_until_its_worker_says_which_job_it_is_about,
            chat: a_file_that_cannot_be_kept_holds_up_no_other_message,
            chat: a_flood_from_one_sender_delays_nobody_else,
            chat: messages_are_applied_in_the_order_in_which_they_were_sent,
            chat: a_receiver_that_dies_leaves_its_message_to_the_next,
            chat: a_worker_is_known_by_their_number_and_by_the_id_that_was_learnt,
            chat: the_clean_up_removes_what_was_applied,
            news: a_renter_hears_of_each_step_of_their_request,
            news: a_renter_is_told_what_the_host_wants_told,
            news: a_filing_is_told_of_once,
            news: a_renter_is_not_told_of_what_they_did,
            news: news_that_is_no_longer_so_is_not_sent,
            news: a_renter_without_a_number_is_not_told,
            news: what_waits_for_one_renter_is_put_back_spread_out,
            news: news_that_failed_is_told_again_while_it_is_the_newest,
            news: news_is_the_renters_own,
            opt_out: what_a_renter_writes_is_added_to_their_open_request,
            opt_out: a_renter_who_opts_out_hears_nothing_until_they_opt_in,
            opt_out: a_renter_opts_out_from_the_chat_and_is_answered_once,
            opt_out: a_renter_is_known_by_the_id_that_was_learnt,
            opt_out: a_worker_who_says_stop_comments_on_their_job,
            opt_out: who_is_forgotten_is_not_written_to,
            reopening: a_reply_to_the_news_that_it_is_done_reopens_the_request,
            reopening: a_request_whose_worker_left_is_reopened_for_nobody,
            reopening: what_cannot_be_reopened_is_answered_with_the_reason,
            reopening: nothing_else_reopens_a_request,
            reopening: a_renters_photo_is_added_or_reopens_the_request,
            retention: old_messages_of_requests_that_are_over_go,
            retention: what_is_still_needed_stays,
            retention: messages_go_in_batches_and_of_all_organizations,
        );
    };
    (@ $fresh:path; $($file:ident: $case:ident,)*) => {$(
        #[test]
        fn $case() {
            $crate::conformance::run($fresh, $crate::conformance::$file::$case);
        }
    )*};
}
