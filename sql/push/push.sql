/* @name pushGate */
select o.code as "organization!", g.state as "state!", g.api_configuration_id as "apiConfigurationId?", g.message as "message?"
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
select app_private.note_push_answer(:organizationId!, :id!, :attempt!, :answer!::jsonb, :exchange::jsonb) as "isCurrent!";

/* @name settlePushes */
select s.id as "id!", s.outcome as "outcome!" from app_private.settle_pushes(:organizationId!, :reads!::jsonb) s;

/* @name failPush */
select app_private.fail_push(:organizationId!, :id!, :attempt!, :verdict!, :message!, :waitMs, :readAt, :exchange::jsonb) as "outcome!";

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
