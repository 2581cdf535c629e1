--! Previous: sha1:141f03213d1416115cf181ad3914c633bdaa752b
--! Hash: sha1:8f2822a4a4fb6590f2b5570cca247b5886aa3f30
--! Message: sessions, throttling of sign-ins, keys

--! split: 100-door.sql
-- The door: sessions that end at once, refreshing from several tabs, limits on guessing, rotation of keys.

--------------------------------------------------------------------------------------------------
-- Sessions: one row a sign-in. Access tokens name theirs, so that they end with it.

create table if not exists app_private.sessions (
  id uuid primary key default gen_random_uuid(),
  user_id integer not null references app_public.users on delete cascade,
  started_at timestamptz not null default now(),
  ended_at timestamptz
);
comment on table app_private.sessions is 'One row for each sign-in. Refresh tokens belong to one and access tokens name one: when it has ended, neither works any more.';
comment on column app_private.sessions.id is 'Our key, named by access tokens as `sid`.';
comment on column app_private.sessions.user_id is 'Who signed in.';
comment on column app_private.sessions.started_at is 'When.';
comment on column app_private.sessions.ended_at is 'When it was signed out: by its user, by a change of password, or because a refresh token was used a second time.';

drop index if exists app_private.sessions_user_id_idx;
-- use: signing a user out everywhere
create index sessions_user_id_idx on app_private.sessions (user_id);

do $$
begin
  if not exists (select from pg_policies p where p.schemaname = 'app_private' and p.tablename = 'sessions') then
    call app_private.protect('app_private.sessions');
  end if;
  -- Until now a session was its refresh tokens: who is signed in stays so.
  if exists (select from pg_attribute a where a.attrelid = 'app_private.refresh_tokens'::regclass and a.attname = 'family_id' and not a.attisdropped) then
    insert into app_private.sessions (id, user_id, started_at, ended_at)
    select t.family_id, t.user_id, min(t.issued_at), max(t.revoked_at)
    from app_private.refresh_tokens t
    group by t.family_id, t.user_id;
    alter table app_private.refresh_tokens add column generation integer;
    update app_private.refresh_tokens t set generation = numbered.generation
    from (select n.id, row_number() over (partition by n.family_id order by n.id)::integer as generation from app_private.refresh_tokens n) numbered
    where numbered.id = t.id;
    alter table app_private.refresh_tokens alter column generation set not null;
    alter table app_private.refresh_tokens rename column family_id to session_id;
    alter table app_private.refresh_tokens add foreign key (session_id) references app_private.sessions on delete cascade;
  end if;
end;
$$;

comment on table app_private.refresh_tokens is 'One row for each refresh token handed out. Rotating: each is exchanged for one of the next generation.';
comment on column app_private.refresh_tokens.session_id is 'The sign-in it belongs to.';
comment on column app_private.refresh_tokens.generation is 'How many exchanges lie between the sign-in and it, from 1. Tokens that several tabs got for the same one share a generation.';
comment on column app_private.refresh_tokens.used_at is 'When it was first exchanged for the next one.';

drop index if exists app_private.refresh_tokens_family_id_idx;
drop index if exists app_private.refresh_tokens_session_id_idx;
-- use: exchanging a token looks at its generation and the later ones
create index refresh_tokens_session_id_idx on app_private.refresh_tokens (session_id, generation);

drop index if exists app_private.refresh_tokens_expires_at_idx;
-- use: app_private.delete_expired_sessions
create index refresh_tokens_expires_at_idx on app_private.refresh_tokens (expires_at);

create or replace function app_private.session_claims(session_id uuid, user_id integer)
  returns table (
    username text, is_administrator boolean, must_change_password boolean,
    organization_ids integer[], writable_organization_ids integer[], administered_organization_ids integer[]
  )
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  select c.username, c.is_administrator, c.must_change_password, c.organization_ids, c.writable_organization_ids, c.administered_organization_ids
  from app_private.sessions s
  cross join lateral app_private.request_claims(s.user_id) c
  where s.id = session_claims.session_id and s.user_id = session_claims.user_id and s.ended_at is null;
end;
comment on function app_private.session_claims(uuid, integer) is
  'What the user of an access token may do right now, in one look-up; no row when the session has ended, or the user is unknown or switched off.';
grant execute on function app_private.session_claims(uuid, integer) to vanguard_authenticator;

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
comment on function app_private.end_all_sessions(integer) is 'Signs a user out everywhere, as after a change of password; answers how many sessions that ended.';

drop function if exists app_private.end_session(bytea);
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
  'Ends the session that a refresh token belongs to, or with `everywhere` all sessions of its user; answers how many. 0: the session has ended already.';
grant execute on function app_private.end_session(bytea, boolean) to vanguard_authenticator;

create or replace function app_private.start_session(user_id integer, password_hash text, token_hash bytea, lifetime interval) returns uuid
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
  'Begins a session for who has shown the password of this hash, and returns its id; null when the password was changed meanwhile, or the user switched off.';

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

drop function if exists app_private.rotate_refresh_token(bytea, bytea, interval);
create function app_private.rotate_refresh_token(token_hash bytea, new_token_hash bytea, lifetime interval)
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
  -- Tokens of one generation count as one token: also of two that were handed out within the grace, the second branch ends the session.
  select min(t.used_at) filter (where t.generation = token.generation), coalesce(bool_or(t.generation > token.generation and t.used_at is not null), false)
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
    values (session.id, token.generation + 1, rotate_refresh_token.new_token_hash, clock_timestamp() + rotate_refresh_token.lifetime);
  return query select session.user_id, session.id, false;
end;
$$;
comment on function app_private.rotate_refresh_token(bytea, bytea, interval) is
  'Exchanges a refresh token for one of the next generation. Within 10 seconds, and as long as no successor was used, the same token may be exchanged again: two tabs of a browser send the same cookie. Later that is_reused, and the session has ended. No row: unknown, expired or signed out.';
grant execute on function app_private.rotate_refresh_token(bytea, bytea, interval) to vanguard_authenticator;

alter table app_private.refresh_tokens drop column if exists revoked_at;
alter table app_private.refresh_tokens drop column if exists user_id;

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
  'Forgets refresh tokens that expired, and sessions that ended or have none left, longer ago than `keep`; answers how many sessions.';
grant execute on function app_private.delete_expired_sessions(interval) to vanguard_worker;

--------------------------------------------------------------------------------------------------
-- Limits on guessing. By the database's clock and under its locks, so that they hold across servers and restarts.

create table if not exists app_private.sign_in_attempts (
  account bytea check (length(account) = 32),
  address inet,
  attempts integer not null default 0 check (attempts >= 0),
  expires_at timestamptz not null,
  unique nulls not distinct (account, address),
  check (num_nonnulls(account, address) > 0)
);
comment on table app_private.sign_in_attempts is 'Attempts to sign in that have not succeeded: of an address on any account, on an account from anywhere, and on an account from an address.';
comment on column app_private.sign_in_attempts.account is 'SHA-256 of the user name that was given, in lower case, whether there is such a user or not. Null: whatever the name.';
comment on column app_private.sign_in_attempts.address is 'Where they came from: an IPv4 address or an IPv6 /64. Null: from anywhere.';
comment on column app_private.sign_in_attempts.attempts is 'How many, until expires_at.';
comment on column app_private.sign_in_attempts.expires_at is 'When counting begins anew. It does not move, so every wait has an end.';

drop index if exists app_private.sign_in_attempts_expires_at_idx;
-- use: app_private.delete_expired_throttles
create index sign_in_attempts_expires_at_idx on app_private.sign_in_attempts (expires_at);

create table if not exists app_private.sign_in_origins (
  account bytea not null check (length(account) = 32),
  address inet not null,
  last_success_at timestamptz not null default now(),
  primary key (account, address)
);
comment on table app_private.sign_in_origins is 'From where an account has signed in before: there only its own attempts from there count, so that nobody else can keep its owner out.';
comment on column app_private.sign_in_origins.account is 'As in sign_in_attempts.';
comment on column app_private.sign_in_origins.address is 'As in sign_in_attempts.';
comment on column app_private.sign_in_origins.last_success_at is 'When it last did.';

drop index if exists app_private.sign_in_origins_last_success_at_idx;
-- use: app_private.delete_expired_throttles
create index sign_in_origins_last_success_at_idx on app_private.sign_in_origins (last_success_at);

do $$
begin
  if not exists (select from pg_policies p where p.schemaname = 'app_private' and p.tablename = 'sign_in_attempts') then
    call app_private.protect('app_private.sign_in_attempts');
    call app_private.protect('app_private.sign_in_origins');
  end if;
end;
$$;

create or replace function app_private.account_key(username text) returns bytea
  language sql stable
  return sha256(convert_to(lower(btrim(username)), 'UTF8'));
comment on function app_private.account_key(text) is 'What attempts on a user name are counted under: the same for every spelling that find_login takes for the same user.';

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
  -- Locked in this order everywhere: the address, the account, the two together. The address comes first also so that one
  -- that has to wait leaves no further rows behind, whatever names it tries.
  if not is_known then
    insert into app_private.sign_in_attempts as a (address, expires_at) values (note_sign_in_attempt.address, asked_at + period)
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
      or not is_known and (a.account is null and a.address = note_sign_in_attempt.address or a.account = tried and a.address is null);
  end if;
  return coalesce(ceil(extract(epoch from wait_until - asked_at)), 0);
end;
$$;
comment on function app_private.note_sign_in_attempt(text, inet) is
  'Counts an attempt before its password is compared, and answers 0; or, once there were 10 on this account from this address, 30 on it from anywhere or 100 from this address within 15 minutes, counts nothing and answers how many seconds to wait. From where the account signed in before, only the first of the three applies. It makes no difference whether there is such a user.';
grant execute on function app_private.note_sign_in_attempt(text, inet) to vanguard_authenticator;

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

create or replace function app_private.clear_sign_in_attempts(username text) returns integer
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  with tried as (
    select a.address from app_private.sign_in_attempts a where a.account = app_private.account_key(clear_sign_in_attempts.username)
  ), deleted as (
    delete from app_private.sign_in_attempts a
    where a.account = app_private.account_key(clear_sign_in_attempts.username)
      or a.account is null and a.address in (select t.address from tried t)
    returning a.account, a.attempts
  )
  select coalesce(sum(d.attempts) filter (where d.account is not null), 0)::integer from deleted d;
end;
comment on function app_private.clear_sign_in_attempts(text) is
  'Lets a user who has to wait sign in at once, from wherever it was tried. For operators: granted to nobody. Answers more than 0 when something had been counted.';

create or replace function app_private.delete_expired_throttles() returns integer
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  -- What somebody holds is left for the next time: waiting for it could be mutual.
  with attempts as (
    delete from app_private.sign_in_attempts a
    where a.ctid = any (array(select e.ctid from app_private.sign_in_attempts e where e.expires_at < now() for update skip locked))
    returning 1
  ), origins as (
    delete from app_private.sign_in_origins o where o.last_success_at < now() - interval '90 days' returning 1
  )
  select ((select count(*) from attempts) + (select count(*) from origins))::integer;
end;
comment on function app_private.delete_expired_throttles() is
  'Forgets attempts to sign in that count no more, and places that an account has not signed in from for 90 days; answers how many rows.';
grant execute on function app_private.delete_expired_throttles() to vanguard_worker;

--------------------------------------------------------------------------------------------------
-- Passwords

drop function if exists app_private.find_login(text);
create function app_private.find_login(username text)
  returns table (user_id integer, username text, email text, password_hash text, must_change_password boolean)
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  select u.id, u.username, u.email, p.password_hash, p.must_change
  from app_public.users u
  join app_private.user_passwords p on p.user_id = u.id
  where lower(u.username) = lower(btrim(find_login.username)) and u.is_active;
end;
comment on function app_private.find_login(text) is 'The hash to compare a password with; no row for an unknown user, one switched off, or one without a password.';
grant execute on function app_private.find_login(text) to vanguard_authenticator;

create or replace function app_private.password_hash_kinds() returns text[]
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  -- A few hundred rows at most: one a user.
  select coalesce(array_agg(distinct substring(p.password_hash from '^[$](?:2[abxy][$]\d\d|argon2id[$]v=\d+[$]m=\d+,t=\d+,p=\d+)[$]')), '{}')
  from app_private.user_passwords p;
end;
comment on function app_private.password_hash_kinds() is
  'How the stored password hashes begin: algorithm and cost. A sign-in does the work of each of them, so that its time does not tell which kind an account has, or whether there is one.';
grant execute on function app_private.password_hash_kinds() to vanguard_authenticator;

--------------------------------------------------------------------------------------------------
-- Rotation of signing keys

drop function if exists app_private.list_signing_keys();
create function app_private.list_signing_keys()
  returns table (kid text, algorithm text, public_jwk jsonb, key_id text, nonce bytea, ciphertext bytea, retired_at timestamptz, may_sign boolean)
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  -- What a retired key signed lives on for 10 minutes. A server that cannot use the new key yet may go on with the old one
  -- for 3: with the minute until it looks here again, everything it signed is accepted to its end.
  select k.kid, k.algorithm, k.public_jwk, k.key_id, k.nonce, k.ciphertext, k.retired_at,
    k.retired_at is null or k.retired_at > now() - interval '3 minutes'
  from app_private.signing_keys k
  where k.retired_at is null or k.retired_at > now() - interval '15 minutes'
  order by k.retired_at desc nulls first, k.created_at desc;
end;
comment on function app_private.list_signing_keys() is 'The signing keys that are accepted, the one that signs first.';
grant execute on function app_private.list_signing_keys() to vanguard_authenticator;

create or replace function app_private.rotate_signing_key(kid text, algorithm text, public_jwk jsonb, key_id text, nonce bytea, ciphertext bytea) returns void
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  lock table app_private.signing_keys in share row exclusive mode;
  delete from app_private.signing_keys k where k.retired_at <= clock_timestamp() - interval '15 minutes';
  update app_private.signing_keys k set retired_at = clock_timestamp() where k.retired_at is null;
  insert into app_private.signing_keys (kid, algorithm, public_jwk, key_id, nonce, ciphertext)
    values (rotate_signing_key.kid, rotate_signing_key.algorithm, rotate_signing_key.public_jwk, rotate_signing_key.key_id, rotate_signing_key.nonce, rotate_signing_key.ciphertext);
end;
$$;
comment on function app_private.rotate_signing_key(text, text, jsonb, text, bytea, bytea) is
  'Puts a new signing key in the place of the one that signs, which stays accepted for 15 minutes, and forgets those that are accepted no more. For operators: granted to nobody.';
