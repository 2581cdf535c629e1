--! Previous: sha1:80150347696f28f997205ea7f489cde278cec8d4
--! Hash: sha1:e5c40190acc40a1a58e0376f359e4c5aa69b025b
--! Message: identity and sessions

--! split: 1-current.sql
-- Identity and sessions: organizations, users, memberships, passwords, sign-ins and signing keys.
--
-- The tables organizations, users and user_organizations have their names from the legacy database. Only functions
-- read and write passwords, tokens and keys. Limits on guessing use the database's clock and its locks, so they hold
-- across servers and restarts.

create table app_public.organizations (
  id integer primary key generated always as identity,
  legacy_id text unique,
  code text not null unique check (code = btrim(code) and length(code) between 1 and 50 and code !~ '^[0-9]+$'),
  name text not null check (length(name) between 1 and 200),
  description text,
  is_active boolean not null default true,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on table app_public.organizations is
  E'@behavior +query:resource:connection\nA construction project. Everything else belongs to one.';
comment on column app_public.organizations.id is 'Our key. An integer, because it leads the key of every tenant table.';
comment on column app_public.organizations.legacy_id is
  E'@behavior -*\nIts id in the legacy database, where it came from there.';
comment on column app_public.organizations.code is
  'Its code in PEMS, e.g. `HOLNG`. Case matters. Not a number, which would be mistaken for an id.';
comment on column app_public.organizations.name is 'What people call it.';
comment on column app_public.organizations.description is 'A sentence about it.';
comment on column app_public.organizations.is_active is
  'An organization that is switched off is seen by nobody and not synchronized.';
comment on column app_public.organizations.created_at is 'When it was added here.';
comment on column app_public.organizations.updated_at is 'When it was last changed here.';
comment on constraint organizations_legacy_id_key on app_public.organizations is '@behavior -single';
call app_private.enable_rls('app_public.organizations');
create policy visitor_select on app_public.organizations for select to vanguard_visitor
  using (id = any (app_core.current_organization_ids()));
grant select on app_public.organizations to vanguard_visitor, vanguard_worker;

--! Included app_public/triggers/organizations._100_touch.sql
create or replace trigger _100_touch before update on app_public.organizations
  for each row execute function app_private.touch_updated_at();
--! EndIncluded app_public/triggers/organizations._100_touch.sql

create table app_public.users (
  id integer primary key generated always as identity,
  legacy_id text unique,
  username text not null check (username = btrim(username) and length(username) between 1 and 100),
  email text check (length(email) between 3 and 320),
  first_name text check (length(first_name) <= 100),
  last_name text check (length(last_name) <= 100),
  role text not null default 'user' check (role in ('admin', 'user', 'viewer')),
  is_active boolean not null default true,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
comment on table app_public.users is E'@behavior +query:resource:connection\nA person who signs in.';
comment on column app_public.users.id is 'Our key.';
comment on column app_public.users.legacy_id is
  E'@behavior -*\nIts id in the legacy database, where it came from there.';
comment on column app_public.users.username is 'What the person signs in with; unique whatever its case.';
comment on column app_public.users.email is 'Optional; unique whatever its case.';
comment on column app_public.users.first_name is 'Given name.';
comment on column app_public.users.last_name is 'Family name.';
comment on column app_public.users.role is
  '`admin` may do everything everywhere, `user` what memberships say, `viewer` only read.';
comment on column app_public.users.is_active is 'A user who is switched off has no access from the next request on.';
comment on column app_public.users.created_at is 'When the account was made.';
comment on column app_public.users.updated_at is 'When the account was last changed.';
comment on constraint users_legacy_id_key on app_public.users is '@behavior -single';
create unique index users_username_key on app_public.users (lower(username));
comment on index app_public.users_username_key is 'Sign-in by name, whatever its case.';
create unique index users_email_key on app_public.users (lower(email));
comment on index app_public.users_email_key is 'One account an address.';
call app_private.enable_rls('app_public.users');
create policy visitor_select on app_public.users for select to vanguard_visitor
  using (id = app_core.current_user_id() or app_core.is_administrator());
grant select on app_public.users to vanguard_visitor;

--! Included app_public/triggers/users._100_touch.sql
create or replace trigger _100_touch before update on app_public.users
  for each row execute function app_private.touch_updated_at();
--! EndIncluded app_public/triggers/users._100_touch.sql

create table app_public.user_organizations (
  organization_id integer not null references app_public.organizations on delete cascade,
  user_id integer not null references app_public.users on delete cascade,
  legacy_id text unique,
  role text not null default 'member' check (role in ('owner', 'admin', 'member', 'viewer')),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (organization_id, user_id)
);
comment on table app_public.user_organizations is E'@name membership\nWho belongs to which organization, and as what.';
comment on column app_public.user_organizations.organization_id is 'The organization.';
comment on column app_public.user_organizations.user_id is 'The member.';
comment on column app_public.user_organizations.legacy_id is
  E'@behavior -*\nIts id in the legacy database, where it came from there.';
comment on column app_public.user_organizations.role is
  '`owner` and `admin` also manage sync, memberships and mappings; `member` drafts and commits; `viewer` reads.';
comment on column app_public.user_organizations.created_at is 'When the person became a member.';
comment on column app_public.user_organizations.updated_at is 'When the membership was last changed.';
comment on constraint user_organizations_legacy_id_key on app_public.user_organizations is '@behavior -single';
create index user_organizations_user_id_idx on app_public.user_organizations (user_id, organization_id) include (role);
comment on index app_public.user_organizations_user_id_idx is 'app_private.request_claims, once a request.';
call app_private.enable_rls('app_public.user_organizations');
create policy visitor_select on app_public.user_organizations for select to vanguard_visitor
  using (
    organization_id = any (app_core.current_organization_ids())
    and (user_id = app_core.current_user_id() or organization_id = any (app_core.administered_organization_ids()))
  );
grant select on app_public.user_organizations to vanguard_visitor;

--! Included app_public/triggers/user_organizations._100_touch.sql
create or replace trigger _100_touch before update on app_public.user_organizations
  for each row execute function app_private.touch_updated_at();
--! EndIncluded app_public/triggers/user_organizations._100_touch.sql

create table app_private.user_passwords (
  user_id integer primary key references app_public.users on delete cascade,
  password_hash text not null check (password_hash ~ '^[$](argon2id|2[abxy])[$]'),
  must_change boolean not null default false,
  changed_at timestamptz not null default now()
);
comment on table app_private.user_passwords is
  'Password hashes: argon2id (PHC string), or bcrypt from the legacy database until its next use.';
comment on column app_private.user_passwords.user_id is 'Whose password.';
comment on column app_private.user_passwords.password_hash is 'A PHC string; never a password.';
comment on column app_private.user_passwords.must_change is
  'The person has to choose another password; in production nothing else works until then.';
comment on column app_private.user_passwords.changed_at is 'When it was set.';
call app_private.enable_rls('app_private.user_passwords');

create table app_private.sessions (
  id uuid primary key default gen_random_uuid(),
  user_id integer not null references app_public.users on delete cascade,
  started_at timestamptz not null default now(),
  ended_at timestamptz
);
comment on table app_private.sessions is
  'One row for each sign-in. Refresh tokens belong to one and access tokens name one: when it has ended, neither '
  'works any more.';
comment on column app_private.sessions.id is 'Our key, named by access tokens as `sid`.';
comment on column app_private.sessions.user_id is 'Who signed in.';
comment on column app_private.sessions.started_at is 'When.';
comment on column app_private.sessions.ended_at is
  'When it was signed out: by its user, by a change of password, or because a refresh token was used a second time.';
create index sessions_user_id_idx on app_private.sessions (user_id);
comment on index app_private.sessions_user_id_idx is 'Signing a user out everywhere.';
call app_private.enable_rls('app_private.sessions');

create table app_private.refresh_tokens (
  id bigint primary key generated always as identity,
  session_id uuid not null references app_private.sessions on delete cascade,
  token_hash bytea not null unique check (length(token_hash) = 32),
  issued_at timestamptz not null default now(),
  expires_at timestamptz not null,
  used_at timestamptz,
  generation integer not null
);
comment on table app_private.refresh_tokens is
  'One row for each refresh token handed out. Rotating: each is exchanged for one of the next generation.';
comment on column app_private.refresh_tokens.id is 'Our key.';
comment on column app_private.refresh_tokens.session_id is 'The sign-in it belongs to.';
comment on column app_private.refresh_tokens.token_hash is
  'SHA-256 of the token. The token itself is 32 random bytes and is stored nowhere.';
comment on column app_private.refresh_tokens.issued_at is 'When it was handed out.';
comment on column app_private.refresh_tokens.expires_at is 'When it stops working.';
comment on column app_private.refresh_tokens.used_at is 'When it was first exchanged for the next one.';
comment on column app_private.refresh_tokens.generation is
  'How many exchanges lie between the sign-in and it, from 1. Tokens that several tabs got for the same one share '
  'a generation.';
create index refresh_tokens_session_id_idx on app_private.refresh_tokens (session_id, generation);
comment on index app_private.refresh_tokens_session_id_idx is
  'Exchanging a token looks at its generation and the later ones.';
create index refresh_tokens_expires_at_idx on app_private.refresh_tokens (expires_at);
comment on index app_private.refresh_tokens_expires_at_idx is 'app_private.delete_expired_sessions.';
call app_private.enable_rls('app_private.refresh_tokens');

create table app_private.signing_keys (
  kid text primary key,
  algorithm text not null check (algorithm in ('ES256', 'EdDSA')),
  public_jwk jsonb not null check (not public_jwk ? 'd'),
  key_id text not null,
  nonce bytea not null check (length(nonce) = 12),
  ciphertext bytea not null,
  created_at timestamptz not null default now(),
  retired_at timestamptz
);
comment on table app_private.signing_keys is
  'The keys that access tokens are signed with. The newest that is not retired signs; all that are listed are '
  'accepted.';
comment on column app_private.signing_keys.kid is 'Key id in the token header and in the published key set.';
comment on column app_private.signing_keys.algorithm is 'JWS algorithm.';
comment on column app_private.signing_keys.public_jwk is 'The public half, as published.';
comment on column app_private.signing_keys.key_id is
  'Which key of VANGUARD_ENCRYPTION_KEYS the private half is encrypted under.';
comment on column app_private.signing_keys.nonce is 'AES-256-GCM nonce, 96 bits, random.';
comment on column app_private.signing_keys.ciphertext is
  'The private JWK, AES-256-GCM, tag appended, bound to the kid.';
comment on column app_private.signing_keys.created_at is 'When it was made.';
comment on column app_private.signing_keys.retired_at is 'From when on it signs nothing more.';
call app_private.enable_rls('app_private.signing_keys');

create table app_private.sign_in_attempts (
  account bytea check (length(account) = 32),
  address inet,
  attempts integer not null default 0 check (attempts >= 0),
  expires_at timestamptz not null,
  unique nulls not distinct (account, address),
  check (num_nonnulls(account, address) > 0)
);
comment on table app_private.sign_in_attempts is
  'Attempts to sign in that have not succeeded: of an address on any account, on an account from anywhere, and on '
  'an account from an address.';
comment on column app_private.sign_in_attempts.account is
  'SHA-256 of the user name that was given, in lower case, whether there is such a user or not. Null: whatever the '
  'name.';
comment on column app_private.sign_in_attempts.address is
  'Where they came from: an IPv4 address or an IPv6 /64. Null: from anywhere.';
comment on column app_private.sign_in_attempts.attempts is 'How many, until expires_at.';
comment on column app_private.sign_in_attempts.expires_at is
  'When counting begins anew. It does not move, so every wait has an end.';
create index sign_in_attempts_expires_at_idx on app_private.sign_in_attempts (expires_at);
comment on index app_private.sign_in_attempts_expires_at_idx is 'app_private.delete_expired_throttles.';
call app_private.enable_rls('app_private.sign_in_attempts');

create table app_private.sign_in_origins (
  account bytea not null check (length(account) = 32),
  address inet not null,
  last_success_at timestamptz not null default now(),
  primary key (account, address)
);
comment on table app_private.sign_in_origins is
  'From where an account has signed in before: there only its own attempts from there count, so that nobody else '
  'can keep its owner out.';
comment on column app_private.sign_in_origins.account is 'As in sign_in_attempts.';
comment on column app_private.sign_in_origins.address is 'As in sign_in_attempts.';
comment on column app_private.sign_in_origins.last_success_at is 'When it last did.';
create index sign_in_origins_last_success_at_idx on app_private.sign_in_origins (last_success_at);
comment on index app_private.sign_in_origins_last_success_at_idx is 'app_private.delete_expired_throttles.';
call app_private.enable_rls('app_private.sign_in_origins');

--! Included app_private/functions/request_claims.sql
create or replace function app_private.request_claims(user_id integer)
  returns table (
    username text, is_administrator boolean, must_change_password boolean,
    organization_ids integer[], writable_organization_ids integer[], administered_organization_ids integer[]
  )
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  with claim as (
    select
      u.username,
      u.role = 'admin' as is_administrator,
      coalesce(p.must_change, false) as must_change_password,
      coalesce(array_agg(o.id order by o.id) filter (where o.id is not null), '{}') as readable,
      coalesce(array_agg(o.id order by o.id) filter (where o.id is not null
        and (u.role = 'admin' or u.role = 'user' and m.role in ('owner', 'admin', 'member'))), '{}') as writable,
      coalesce(array_agg(o.id order by o.id) filter (where o.id is not null
        and (u.role = 'admin' or u.role = 'user' and m.role in ('owner', 'admin'))), '{}') as administered
    from app_public.users u
    left join app_private.user_passwords p on p.user_id = u.id
    left join app_public.user_organizations m on m.user_id = u.id and u.role <> 'admin'
    left join app_public.organizations o on (o.id = m.organization_id or u.role = 'admin') and o.is_active
    where u.id = request_claims.user_id and u.is_active
    group by u.id, p.must_change
  )
  select c.username, c.is_administrator, c.must_change_password,
    array(
      select r.id
      from generate_series(1, least(
        (select count(*) from app_public.organizations) / greatest(cardinality(c.readable), 1),
        200 / greatest(cardinality(c.readable), 1)) + 1),
        unnest(c.readable) r (id)
    ),
    c.writable, c.administered
  from claim c;
end;
comment on function app_private.request_claims(integer) is
  'What a user may do right now, in one look-up; no row for an unknown user or one who is switched off. Rights: '
  'domain.md, section 4. A must_change_password is enforced in production only. organization_ids names each '
  'organization over and over, until the list is about as long as there are organizations (some 200 at most): '
  'every query says organization_id = one of them, and so do the policies, and the planner multiplies both as if '
  'they had nothing to do with each other. It takes a list as long as that for no restriction at all, and then its '
  'estimates are right.';
--! EndIncluded app_private/functions/request_claims.sql
--! Included app_private/functions/find_login.sql
create or replace function app_private.find_login(username text)
  returns table (user_id integer, username text, email text, password_hash text, must_change_password boolean)
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  select u.id, u.username, u.email, p.password_hash, p.must_change
  from app_public.users u
  join app_private.user_passwords p on p.user_id = u.id
  where lower(u.username) = lower(btrim(find_login.username)) and u.is_active;
end;
comment on function app_private.find_login(text) is
  'The hash to compare a password with; no row for an unknown user, one switched off, or one without a password.';
grant execute on function app_private.find_login(text) to vanguard_authenticator;
--! EndIncluded app_private/functions/find_login.sql
--! Included app_private/functions/set_password.sql
create or replace function app_private.set_password(user_id integer, password_hash text, must_change boolean)
  returns void
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  insert into app_private.user_passwords as p (user_id, password_hash, must_change)
    values (set_password.user_id, set_password.password_hash, set_password.must_change)
  on conflict (user_id) do update
    set password_hash = excluded.password_hash, must_change = excluded.must_change, changed_at = clock_timestamp();
end;
comment on function app_private.set_password(integer, text, boolean) is 'Stores the hash of a new password.';
grant execute on function app_private.set_password(integer, text, boolean) to vanguard_authenticator;
--! EndIncluded app_private/functions/set_password.sql
--! Included app_private/functions/upgrade_password_hash.sql
create or replace function app_private.upgrade_password_hash(user_id integer, old_hash text, new_hash text) returns void
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  update app_private.user_passwords p set password_hash = upgrade_password_hash.new_hash
  where p.user_id = upgrade_password_hash.user_id and p.password_hash = upgrade_password_hash.old_hash;
end;
comment on function app_private.upgrade_password_hash(integer, text, text) is
  'Replaces an old hash of the same password (bcrypt, or argon2id with weaker parameters); does nothing when the '
  'password was changed meanwhile.';
grant execute on function app_private.upgrade_password_hash(integer, text, text) to vanguard_authenticator;
--! EndIncluded app_private/functions/upgrade_password_hash.sql
--! Included app_private/functions/start_session.sql
create or replace function app_private.start_session(user_id integer, password_hash text, token_hash bytea,
  lifetime interval) returns uuid
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  session constant uuid := gen_random_uuid();
begin
  -- The password was compared some time ago. Locked, so that a change of password comes wholly before or after this.
  perform from app_private.user_passwords p
  join app_public.users u on u.id = p.user_id
  where p.user_id = start_session.user_id and p.password_hash = start_session.password_hash and u.is_active
  for share of p;
  if not found then
    return null;
  end if;
  insert into app_private.sessions (id, user_id) values (session, start_session.user_id);
  insert into app_private.refresh_tokens (session_id, generation, token_hash, expires_at)
    values (session, 1, start_session.token_hash, clock_timestamp() + start_session.lifetime);
  return session;
end;
$$;
comment on function app_private.start_session(integer, text, bytea, interval) is
  'Begins a session for who has shown the password of this hash, and returns its id; null when the password was '
  'changed meanwhile, or the user switched off.';
grant execute on function app_private.start_session(integer, text, bytea, interval) to vanguard_authenticator;
--! EndIncluded app_private/functions/start_session.sql
--! Included app_private/functions/change_password.sql
create or replace function app_private.change_password(user_id integer, old_hash text, new_hash text) returns boolean
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  update app_private.user_passwords p
  set password_hash = change_password.new_hash, must_change = false, changed_at = clock_timestamp()
  where p.user_id = change_password.user_id and p.password_hash = change_password.old_hash;
  if not found then
    return false;
  end if;
  perform app_private.end_all_sessions(change_password.user_id);
  return true;
end;
$$;
comment on function app_private.change_password(integer, text, text) is
  'Replaces the password of this hash and signs the user out everywhere, in one step; false when it was another '
  'one meanwhile.';
grant execute on function app_private.change_password(integer, text, text) to vanguard_authenticator;
--! EndIncluded app_private/functions/change_password.sql
--! Included app_private/functions/rotate_refresh_token.sql
create or replace function app_private.rotate_refresh_token(token_hash bytea, new_token_hash bytea, lifetime interval)
  returns table (user_id integer, session_id uuid, is_reused boolean)
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  -- How long the tabs of one browser may take to send the same cookie.
  grace constant interval := interval '10 seconds';
  token app_private.refresh_tokens;
  session app_private.sessions;
  first_used_at timestamptz;
  is_superseded boolean;
begin
  select * into token from app_private.refresh_tokens t where t.token_hash = rotate_refresh_token.token_hash;
  -- One exchange of a session at a time: what follows sees what the one before it did.
  select * into session from app_private.sessions s where s.id = token.session_id for update;
  if session.id is null or session.ended_at is not null or token.expires_at <= clock_timestamp() then
    return;
  end if;
  -- Tokens of one generation count as one token: also of two that were handed out within the grace, the second branch
  -- ends the session.
  select min(t.used_at) filter (where t.generation = token.generation),
    coalesce(bool_or(t.generation > token.generation and t.used_at is not null), false)
  into first_used_at, is_superseded
  from app_private.refresh_tokens t
  where t.session_id = token.session_id and t.generation >= token.generation;
  if is_superseded or first_used_at < clock_timestamp() - grace then
    -- Somebody holds a copy. Nobody can tell the thief from the owner, so the whole session ends.
    update app_private.sessions s set ended_at = clock_timestamp() where s.id = session.id;
    return query select session.user_id, session.id, true;
    return;
  end if;
  update app_private.refresh_tokens t set used_at = coalesce(t.used_at, clock_timestamp()) where t.id = token.id;
  insert into app_private.refresh_tokens (session_id, generation, token_hash, expires_at)
    values (session.id, token.generation + 1, rotate_refresh_token.new_token_hash,
      clock_timestamp() + rotate_refresh_token.lifetime);
  return query select session.user_id, session.id, false;
end;
$$;
comment on function app_private.rotate_refresh_token(bytea, bytea, interval) is
  'Exchanges a refresh token for one of the next generation. Within 10 seconds, and as long as no successor was '
  'used, the same token may be exchanged again: two tabs of a browser send the same cookie. Later that is_reused, '
  'and the session has ended. No row: unknown, expired or signed out.';
grant execute on function app_private.rotate_refresh_token(bytea, bytea, interval) to vanguard_authenticator;
--! EndIncluded app_private/functions/rotate_refresh_token.sql
--! Included app_private/functions/end_session.sql
create or replace function app_private.end_session(token_hash bytea, everywhere boolean) returns integer
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  with ended as (
    update app_private.sessions s set ended_at = clock_timestamp()
    from app_private.refresh_tokens t
    join app_private.sessions mine on mine.id = t.session_id
    where t.token_hash = end_session.token_hash and t.expires_at > clock_timestamp() and mine.ended_at is null
      and s.ended_at is null and (s.id = mine.id or end_session.everywhere and s.user_id = mine.user_id)
    returning 1
  )
  select count(*)::integer from ended;
end;
comment on function app_private.end_session(bytea, boolean) is
  'Ends the session that a refresh token belongs to, or with `everywhere` all sessions of its user; answers how '
  'many. 0: the session has ended already.';
grant execute on function app_private.end_session(bytea, boolean) to vanguard_authenticator;
--! EndIncluded app_private/functions/end_session.sql
--! Included app_private/functions/end_all_sessions.sql
create or replace function app_private.end_all_sessions(user_id integer) returns integer
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  with ended as (
    update app_private.sessions s set ended_at = clock_timestamp()
    where s.ended_at is null and s.user_id = end_all_sessions.user_id
    returning 1
  )
  select count(*)::integer from ended;
end;
comment on function app_private.end_all_sessions(integer) is
  'Signs a user out everywhere, as after a change of password; answers how many sessions that ended.';
grant execute on function app_private.end_all_sessions(integer) to vanguard_authenticator;
--! EndIncluded app_private/functions/end_all_sessions.sql
--! Included app_private/functions/list_signing_keys.sql
create or replace function app_private.list_signing_keys()
  returns table (kid text, algorithm text, public_jwk jsonb, key_id text, nonce bytea, ciphertext bytea,
    retired_at timestamptz, may_sign boolean)
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  -- What a retired key signed lives on for 10 minutes. A server that cannot use the new key yet may go on with the old
  -- one for 3: with the minute until it looks here again, everything it signed is accepted to its end.
  select k.kid, k.algorithm, k.public_jwk, k.key_id, k.nonce, k.ciphertext, k.retired_at,
    k.retired_at is null or k.retired_at > now() - interval '3 minutes'
  from app_private.signing_keys k
  where k.retired_at is null or k.retired_at > now() - interval '15 minutes'
  order by k.retired_at desc nulls first, k.created_at desc;
end;
comment on function app_private.list_signing_keys() is 'The signing keys that are accepted, the one that signs first.';
grant execute on function app_private.list_signing_keys() to vanguard_authenticator;
--! EndIncluded app_private/functions/list_signing_keys.sql
--! Included app_private/functions/add_signing_key.sql
create or replace function app_private.add_signing_key(kid text, algorithm text, public_jwk jsonb, key_id text,
  nonce bytea, ciphertext bytea) returns void
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  -- Two servers that start at once on a new database must not both add a first key.
  lock table app_private.signing_keys in share row exclusive mode;
  if not exists (select from app_private.signing_keys k where k.retired_at is null) then
    insert into app_private.signing_keys (kid, algorithm, public_jwk, key_id, nonce, ciphertext)
      values (add_signing_key.kid, add_signing_key.algorithm, add_signing_key.public_jwk, add_signing_key.key_id,
        add_signing_key.nonce, add_signing_key.ciphertext);
  end if;
end;
$$;
comment on function app_private.add_signing_key(text, text, jsonb, text, bytea, bytea) is
  'Adds the first signing key; does nothing when there is one already.';
grant execute on function app_private.add_signing_key(text, text, jsonb, text, bytea, bytea) to vanguard_authenticator;
--! EndIncluded app_private/functions/add_signing_key.sql
--! Included app_public/functions/viewer.sql
create or replace function app_public.viewer() returns app_public.users
  language sql stable
begin atomic
  select u.* from app_public.users u where u.id = app_core.current_user_id();
end;
comment on function app_public.viewer() is 'The signed-in user.';
grant execute on function app_public.viewer() to vanguard_visitor;
--! EndIncluded app_public/functions/viewer.sql
--! Included app_public/functions/organizations_my_role.sql
create or replace function app_public.organizations_my_role(organization app_public.organizations) returns text
  language sql stable
  return case
    when app_core.is_administrator() then 'administrator'
    else (
      select case when u.role = 'viewer' then 'viewer' else m.role end
      from app_public.user_organizations m
      join app_public.users u on u.id = m.user_id
      where m.organization_id = organization.id and m.user_id = app_core.current_user_id()
    )
  end;
comment on function app_public.organizations_my_role(app_public.organizations) is
  'What the signed-in user is here: `administrator` (of everything), `owner`, `admin`, `member` or `viewer`.';
grant execute on function app_public.organizations_my_role(app_public.organizations) to vanguard_visitor;
--! EndIncluded app_public/functions/organizations_my_role.sql
--! Included app_public/functions/user_organizations_username.sql
create or replace function app_public.user_organizations_username(membership app_public.user_organizations) returns text
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  select u.username
  from app_public.user_organizations m
  join app_public.users u on u.id = m.user_id
  where m.organization_id = membership.organization_id and m.user_id = membership.user_id
    and (m.user_id = app_core.current_user_id() or m.organization_id = any (app_core.administered_organization_ids()));
end;
comment on function app_public.user_organizations_username(app_public.user_organizations) is
  'Who the member is. The rest of the account is for the person and for administrators only.';
grant execute on function app_public.user_organizations_username(app_public.user_organizations) to vanguard_visitor;
--! EndIncluded app_public/functions/user_organizations_username.sql

--! Included app_private/functions/delete_expired_sessions.sql
create or replace function app_private.delete_expired_sessions(keep interval) returns integer
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  delete from app_private.refresh_tokens t where t.expires_at < now() - delete_expired_sessions.keep;
  with deleted as (
    delete from app_private.sessions s
    where s.ended_at < now() - delete_expired_sessions.keep
      or not exists (select from app_private.refresh_tokens t where t.session_id = s.id)
    returning 1
  )
  select count(*)::integer from deleted;
end;
comment on function app_private.delete_expired_sessions(interval) is
  'Forgets refresh tokens that expired, and sessions that ended or have none left, longer ago than `keep`; answers '
  'how many sessions.';
grant execute on function app_private.delete_expired_sessions(interval) to vanguard_worker;
--! EndIncluded app_private/functions/delete_expired_sessions.sql

--! Included app_private/functions/account_key.sql
create or replace function app_private.account_key(username text) returns bytea
  language sql stable
  return sha256(convert_to(lower(btrim(username)), 'UTF8'));
comment on function app_private.account_key(text) is
  'What attempts on a user name are counted under: the same for every spelling that find_login takes for the same '
  'user.';
--! EndIncluded app_private/functions/account_key.sql
--! Included app_private/functions/note_sign_in_attempt.sql
create or replace function app_private.note_sign_in_attempt(username text, address inet) returns integer
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  period constant interval := interval '15 minutes';
  per_address constant integer := 100;
  per_account constant integer := 30;
  per_account_and_address constant integer := 10;
  asked_at constant timestamptz := clock_timestamp();
  tried constant bytea := app_private.account_key(note_sign_in_attempt.username);
  is_known constant boolean := exists (
    select from app_private.sign_in_origins o where o.account = tried and o.address = note_sign_in_attempt.address);
  wait_until timestamptz;
begin
  -- Locked in this order everywhere: the address, the account, the two together. The address comes first also so that
  -- one that has to wait leaves no further rows behind, whatever names it tries.
  if not is_known then
    insert into app_private.sign_in_attempts as a (address, expires_at)
      values (note_sign_in_attempt.address, asked_at + period)
    on conflict (account, address) do update
      set attempts = case when a.expires_at > asked_at then a.attempts else 0 end,
        expires_at = case when a.expires_at > asked_at then a.expires_at else excluded.expires_at end
    returning case when a.attempts >= per_address then a.expires_at end into wait_until;
  end if;
  if wait_until is null then
    with counted as (
      insert into app_private.sign_in_attempts as a (account, address, expires_at)
      select tried, w.address, asked_at + period
      from (select null::inet as address where not is_known union all select note_sign_in_attempt.address) w
      on conflict (account, address) do update
        set attempts = case when a.expires_at > asked_at then a.attempts else 0 end,
          expires_at = case when a.expires_at > asked_at then a.expires_at else excluded.expires_at end
      returning a.address, a.attempts, a.expires_at
    )
    select max(c.expires_at) into wait_until from counted c
    where c.attempts >= case when c.address is null then per_account else per_account_and_address end;
  end if;
  if wait_until is null then
    update app_private.sign_in_attempts a set attempts = a.attempts + 1
    where a.account = tried and a.address = note_sign_in_attempt.address
      or not is_known and (a.account is null and a.address = note_sign_in_attempt.address or a.account = tried
        and a.address is null);
  end if;
  return coalesce(ceil(extract(epoch from wait_until - asked_at)), 0);
end;
$$;
comment on function app_private.note_sign_in_attempt(text, inet) is
  'Counts an attempt before its password is compared, and answers 0; or, once there were 10 on this account from '
  'this address, 30 on it from anywhere or 100 from this address within 15 minutes, counts nothing and answers how '
  'many seconds to wait. From where the account signed in before, only the first of the three applies. It makes no '
  'difference whether there is such a user.';
grant execute on function app_private.note_sign_in_attempt(text, inet) to vanguard_authenticator;
--! EndIncluded app_private/functions/note_sign_in_attempt.sql
--! Included app_private/functions/note_sign_in_success.sql
create or replace function app_private.note_sign_in_success(username text, address inet) returns void
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  tried constant bytea := app_private.account_key(note_sign_in_success.username);
  is_known constant boolean := exists (
    select from app_private.sign_in_origins o where o.account = tried and o.address = note_sign_in_success.address);
begin
  perform from app_private.sign_in_attempts a
  where a.account is null and a.address = note_sign_in_success.address or a.account = tried and a.address is null
    or a.account = tried and a.address = note_sign_in_success.address
  order by a.account nulls first, a.address nulls first
  for update;
  -- What came of other people or other places stays counted.
  update app_private.sign_in_attempts a set attempts = greatest(a.attempts - own.attempts, 0)
  from app_private.sign_in_attempts own
  where not is_known and own.account = tried and own.address = note_sign_in_success.address
    and (a.account is null and a.address = note_sign_in_success.address or a.account = tried and a.address is null);
  delete from app_private.sign_in_attempts a where a.account = tried and a.address = note_sign_in_success.address;
  insert into app_private.sign_in_origins as o (account, address) values (tried, note_sign_in_success.address)
  on conflict (account, address) do update set last_success_at = now();
end;
$$;
comment on function app_private.note_sign_in_success(text, inet) is
  'Takes back what was counted of this account from this address, and remembers that it signed in from there.';
grant execute on function app_private.note_sign_in_success(text, inet) to vanguard_authenticator;
--! EndIncluded app_private/functions/note_sign_in_success.sql
--! Included app_private/functions/clear_sign_in_attempts.sql
create or replace function app_private.clear_sign_in_attempts(username text) returns integer
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  with tried as (
    select a.address from app_private.sign_in_attempts a
      where a.account = app_private.account_key(clear_sign_in_attempts.username)
  ), deleted as (
    delete from app_private.sign_in_attempts a
    where a.account = app_private.account_key(clear_sign_in_attempts.username)
      or a.account is null and a.address in (select t.address from tried t)
    returning a.account, a.attempts
  )
  select coalesce(sum(d.attempts) filter (where d.account is not null), 0)::integer from deleted d;
end;
comment on function app_private.clear_sign_in_attempts(text) is
  'Lets a user who has to wait sign in at once, from wherever it was tried. For operators: granted to nobody. '
  'Answers more than 0 when something had been counted.';
--! EndIncluded app_private/functions/clear_sign_in_attempts.sql
--! Included app_private/functions/delete_expired_throttles.sql
create or replace function app_private.delete_expired_throttles() returns integer
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  -- What somebody holds is left for the next time: waiting for it could be mutual.
  with attempts as (
    delete from app_private.sign_in_attempts a
    where a.ctid = any (array(select e.ctid from app_private.sign_in_attempts e where e.expires_at < now()
      for update skip locked))
    returning 1
  ), origins as (
    delete from app_private.sign_in_origins o where o.last_success_at < now() - interval '90 days' returning 1
  )
  select ((select count(*) from attempts) + (select count(*) from origins))::integer;
end;
comment on function app_private.delete_expired_throttles() is
  'Forgets attempts to sign in that count no more, and places that an account has not signed in from for 90 days; '
  'answers how many rows.';
grant execute on function app_private.delete_expired_throttles() to vanguard_worker;
--! EndIncluded app_private/functions/delete_expired_throttles.sql

--! Included app_private/functions/password_hash_kinds.sql
create or replace function app_private.password_hash_kinds() returns text[]
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  -- A few hundred rows at most: one a user.
  select coalesce(array_agg(distinct substring(p.password_hash
    from '^[$](?:2[abxy][$]\d\d|argon2id[$]v=\d+[$]m=\d+,t=\d+,p=\d+)[$]')), '{}')
  from app_private.user_passwords p;
end;
comment on function app_private.password_hash_kinds() is
  'How the stored password hashes begin: algorithm and cost. A sign-in does the work of each of them, so that its '
  'time does not tell which kind an account has, or whether there is one.';
grant execute on function app_private.password_hash_kinds() to vanguard_authenticator;
--! EndIncluded app_private/functions/password_hash_kinds.sql

--! Included app_private/functions/rotate_signing_key.sql
create or replace function app_private.rotate_signing_key(kid text, algorithm text, public_jwk jsonb, key_id text,
  nonce bytea, ciphertext bytea) returns void
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  lock table app_private.signing_keys in share row exclusive mode;
  delete from app_private.signing_keys k where k.retired_at <= clock_timestamp() - interval '15 minutes';
  update app_private.signing_keys k set retired_at = clock_timestamp() where k.retired_at is null;
  insert into app_private.signing_keys (kid, algorithm, public_jwk, key_id, nonce, ciphertext)
    values (rotate_signing_key.kid, rotate_signing_key.algorithm, rotate_signing_key.public_jwk,
      rotate_signing_key.key_id, rotate_signing_key.nonce, rotate_signing_key.ciphertext);
end;
$$;
comment on function app_private.rotate_signing_key(text, text, jsonb, text, bytea, bytea) is
  'Puts a new signing key in the place of the one that signs, which stays accepted for 15 minutes, and forgets '
  'those that are accepted no more. For operators: granted to nobody.';
--! EndIncluded app_private/functions/rotate_signing_key.sql
