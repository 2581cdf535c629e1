/* @name pushGate */
select o.code as "organization!", g.state as "state!", g.api_configuration_id as "apiConfigurationId?",
  g.message as "message?"
from app_public.organizations o
cross join lateral app_private.push_gate(o.id) g
where o.id = :organizationId!;

/* @name lockPushes */
select pg_try_advisory_lock(hashtextextended('pfa_push ' || :organizationId!::integer, 0)) as "isOurs!";

/* @name unlockPushes */
select pg_advisory_unlock(hashtextextended('pfa_push ' || :organizationId!::integer, 0)) as "wasOurs!";

/* @name resumePushes */
select app_private.resume_pushes(:organizationId!) as "resumed!";

/* @name beginPushes */
select b.id as "id!", b.attempt as "attempt!", b.pfa_id as "pfaId!", b.step as "step!"
from app_private.begin_pushes(:organizationId!, :most!) b;

/* @name planPush */
select p.decision as "decision!", p.send_before as "sendBefore?",
  (select json_object_agg(w.key, w.value) from jsonb_each_text(p.write_values) w) as "writeTexts?"
from app_private.plan_push(:organizationId!, :id!, :attempt!, :read!::jsonb, :exchange::jsonb) p;

/* @name notePushAnswer */
select app_private.note_push_answer(:organizationId!, :id!, :attempt!, :answer!::jsonb,
  :exchange::jsonb) as "isCurrent!";

/* @name settlePushes */
select s.id as "id!", s.outcome as "outcome!" from app_private.settle_pushes(:organizationId!, :reads!::jsonb) s;

/* @name failPush */
select app_private.fail_push(:organizationId!, :id!, :attempt!, :verdict!, :message!, :waitMs, :readAt,
  :exchange::jsonb) as "outcome!";

/* @name queueNextPush */
select app_private.queue_next_push(:organizationId!) as "due?";

/* @name queuePush */
select app_private.queue_push(:organizationId!, clock_timestamp() + :waitMs!::integer * interval '1 millisecond');

/* @name dispatchPushes */
select app_private.dispatch_pushes() as "queued!";

/* @name takeTurns */
select app_private.take_turns(:apiConfigurationId!, :turns!) as "waitMs!";

/* @name holdRequests */
select app_private.hold_requests(:apiConfigurationId!, :seconds!);

/* @name notePemsSuccess */
select app_private.note_pems_success(:apiConfigurationId!);

/* @name notePemsFailure */
select app_private.note_pems_failure(:apiConfigurationId!, :errorCode!, :errorMessage!, :isFinal!) as "isOpen!";

/* @name beginProbe */
select app_private.begin_probe(:apiConfigurationId!) as "isOurs!";

/* @name noteExchange */
select app_private.note_exchange(:organizationId!, :pfaId!, :id!, :attempt!, :exchange!::jsonb);

/* @name pushStatus */
select o.code as "organization!", s.state as "state!", s.waiting_count as "waiting!", s.writing_count as "writing!",
  s.uncertain_count as "uncertain!", s.oldest_committed_at as "oldestCommittedAt?", s.paused_at as "pausedAt?",
  s.paused_by as "pausedBy?", s.breaker_opened_at as "breakerOpenedAt?", s.breaker_code as "breakerCode?",
  s.breaker_message as "breakerMessage?", s.next_probe_at as "nextProbeAt?",
  app_private.push_connection(o.id) as "connection?"
from app_public.organizations o
cross join lateral app_private.push_status(o.id, true) s
where o.is_active and (:organization::text is null or o.code = :organization)
order by o.code;

/* @name setPushPause */
select o.id as "id!", app_private.set_push_pause(o.id, :isPaused!) as done
from app_public.organizations o where o.code = :organization! and o.is_active;

/* @name setConnectionPause */
select c.id as "id!", app_private.set_connection_pause(c.id, :isPaused!) as done
from app_public.api_configurations c where c.id = :apiConfigurationId! and c.operation_type in ('write', 'read-write');

/* @name explainModifications */
select m.id as "id!", u.username as "by!", m.state as "state!", m.delta as "delta!", m.base as "base!",
  m.problems as "problems!", m.comment as "comment?", m.attempts as "attempts!", m.failures as "failures!",
  m.committed_at as "committedAt?", m.settled_at as "settledAt?", m.retry_at as "retryAt?",
  (
    select coalesce(json_agg(json_build_object('attempt', i.attempt, 'recordVersion', i.record_version,
      'readValues', i.read_values, 'writeValues', i.write_values, 'createdAt', i.created_at,
      'answeredAt', i.answered_at, 'quietAt', i.quiet_at, 'outcome', i.outcome) order by i.id), '[]')
    from app_core.pfa_push_intent i where i.organization_id = m.organization_id and i.modification_id = m.id
  ) as "intents!"
from app_public.organizations o
join app_core.pfa_modification m on m.organization_id = o.id and m.pfa_id = :pfaId!
join app_public.users u on u.id = m.user_id
where o.code = :organization!
order by m.id;

/* @name explainExchanges */
select e.modification_id as "modificationId!", e.attempt as "attempt!", e.action as "action!", e.request as "request!",
  e.status as "status?", e.answer as "answer?", e.error_code as "errorCode?", e.milliseconds as "milliseconds!",
  e.answered_at as "answeredAt!"
from app_public.organizations o
join app_core.pfa_push_exchange e on e.organization_id = o.id and e.pfa_id = :pfaId!
where o.code = :organization!
order by e.id;
