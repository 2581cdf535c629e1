/* @name listenToEvents */
listen vanguard_realtime;

/* @name readEvents */
select id as "id!", kind as "kind!", viewer_id as "viewerId!", record_ids as "recordIds?", revisions as "revisions?",
  modification_ids as "modificationIds?", states as "states?"
from app_private.read_events(:organizationId!, :eventIds!);

/* @name subscriberRights */
select session_id as "sessionId!", organization_id as "organizationId!", is_signed_in as "isSignedIn!",
  must_change_password as "mustChangePassword!", may_read as "mayRead!"
from app_private.subscriber_rights(:sessionIds!, :organizationIds!);

/* @name subscriberRevision */
select app_private.subscriber_revision(:organizationId!, :userId!) as "revision!";
