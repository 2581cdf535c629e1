--! Previous: sha1:fce207b6f1feff97425a5b3677734d885f5a3613
--! Hash: sha1:b4bca94ad5150a8a941abae59eb1328b43736096
--! Message: organizations, people, memberships, sign-in

--! split: 200-people.sql
-- Organizations, users, memberships (legacy: organizations, users, user_organizations), passwords and sessions.

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
comment on table app_public.organizations is E'@behavior +query:resource:connection\nA construction project. Everything else belongs to one.';
comment on column app_public.organizations.id is 'Our key. An integer, because it leads the key of every tenant table.';
comment on column app_public.organizations.legacy_id is E'@behavior -*\nIts id in the legacy database, where it came from there.';
comment on column app_public.organizations.code is 'Its code in PEMS, e.g. `HOLNG`. Case matters. Not a number, which would be mistaken for an id.';
comment on column app_public.organizations.name is 'What people call it.';
comment on column app_public.organizations.description is 'A sentence about it.';
comment on column app_public.organizations.is_active is 'An organization that is switched off is seen by nobody and not synchronized.';
comment on column app_public.organizations.created_at is 'When it was added here.';
comment on column app_public.organizations.updated_at is 'When it was last changed here.';
comment on constraint organizations_legacy_id_key on app_public.organizations is '@behavior -single';

create trigger _100_touch before update on app_public.organizations
  for each row execute function app_private.touch_updated_at();

call app_private.protect('app_public.organizations');
create policy visitor_select on app_public.organizations for select to vanguard_visitor
  using (id = any (app_core.current_organization_ids()));
grant select on app_public.organizations to vanguard_visitor, vanguard_worker;

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
-- use: sign-in by name, whatever its case
create unique index users_username_key on app_public.users (lower(username));
-- use: one account an address
create unique index users_email_key on app_public.users (lower(email));
comment on table app_public.users is E'@behavior +query:resource:connection\nA person who signs in.';
comment on column app_public.users.id is 'Our key.';
comment on column app_public.users.legacy_id is E'@behavior -*\nIts id in the legacy database, where it came from there.';
comment on column app_public.users.username is 'What the person signs in with; unique whatever its case.';
comment on column app_public.users.email is 'Optional; unique whatever its case.';
comment on column app_public.users.first_name is 'Given name.';
comment on column app_public.users.last_name is 'Family name.';
comment on column app_public.users.role is '`admin` may do everything everywhere, `user` what memberships say, `viewer` only read.';
comment on column app_public.users.is_active is 'A user who is switched off has no access from the next request on.';
comment on column app_public.users.created_at is 'When the account was made.';
comment on column app_public.users.updated_at is 'When the account was last changed.';
comment on constraint users_legacy_id_key on app_public.users is '@behavior -single';

create trigger _100_touch before update on app_public.users
  for each row execute function app_private.touch_updated_at();

call app_private.protect('app_public.users');
create policy visitor_select on app_public.users for select to vanguard_visitor
  using (id = app_core.current_user_id() or app_core.is_administrator());
grant select on app_public.users to vanguard_visitor;

create table app_public.user_organizations (
  organization_id integer not null references app_public.organizations on delete cascade,
  user_id integer not null references app_public.users on delete cascade,
  legacy_id text unique,
  role text not null default 'member' check (role in ('owner', 'admin', 'member', 'viewer')),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (organization_id, user_id)
);
-- use: app_private.request_claims, once a request
create index user_organizations_user_id_idx on app_public.user_organizations (user_id, organization_id) include (role);
comment on table app_public.user_organizations is E'@name membership\nWho belongs to which organization, and as what.';
comment on column app_public.user_organizations.organization_id is 'The organization.';
comment on column app_public.user_organizations.user_id is 'The member.';
comment on column app_public.user_organizations.legacy_id is E'@behavior -*\nIts id in the legacy database, where it came from there.';
comment on column app_public.user_organizations.role is '`owner` and `admin` also manage sync, memberships and mappings; `member` drafts and commits; `viewer` reads.';
comment on column app_public.user_organizations.created_at is 'When the person became a member.';
comment on column app_public.user_organizations.updated_at is 'When the membership was last changed.';
comment on constraint user_organizations_legacy_id_key on app_public.user_organizations is '@behavior -single';

create trigger _100_touch before update on app_public.user_organizations
  for each row execute function app_private.touch_updated_at();

call app_private.protect('app_public.user_organizations');
create policy visitor_select on app_public.user_organizations for select to vanguard_visitor
  using (
    organization_id = any (app_core.current_organization_ids())
    and (user_id = app_core.current_user_id() or organization_id = any (app_core.administered_organization_ids()))
  );
grant select on app_public.user_organizations to vanguard_visitor;

--------------------------------------------------------------------------------------------------
-- Passwords and sessions: read and written by the functions below only

create table app_private.user_passwords (
  user_id integer primary key references app_public.users on delete cascade,
  password_hash text not null check (password_hash ~ '^[$](argon2id|2[abxy])[$]'),
  must_change boolean not null default false,
  changed_at timestamptz not null default now()
);
comment on table app_private.user_passwords is 'Password hashes: argon2id (PHC string), or bcrypt from the legacy database until its next use.';
comment on column app_private.user_passwords.user_id is 'Whose password.';
comment on column app_private.user_passwords.password_hash is 'A PHC string; never a password.';
comment on column app_private.user_passwords.must_change is 'The person has to choose another password; in production nothing else works until then.';
comment on column app_private.user_passwords.changed_at is 'When it was set.';
call app_private.protect('app_private.user_passwords');

create table app_private.refresh_tokens (
  id bigint primary key generated always as identity,
  user_id integer not null references app_public.users on delete cascade,
  family_id uuid not null,
  token_hash bytea not null unique check (length(token_hash) = 32),
  issued_at timestamptz not null default now(),
  expires_at timestamptz not null,
  used_at timestamptz,
  revoked_at timestamptz
);
-- use: signing out revokes a family; a used token that comes again revokes it too
create index refresh_tokens_family_id_idx on app_private.refresh_tokens (family_id);
-- use: signing a user out everywhere
create index refresh_tokens_user_id_idx on app_private.refresh_tokens (user_id);
comment on table app_private.refresh_tokens is 'One row for each refresh token handed out. Rotating: each is good for one use.';
comment on column app_private.refresh_tokens.id is 'Our key.';
comment on column app_private.refresh_tokens.user_id is 'Who signed in.';
comment on column app_private.refresh_tokens.family_id is 'One sign-in: all tokens that descend from it.';
comment on column app_private.refresh_tokens.token_hash is 'SHA-256 of the token. The token itself is 32 random bytes and is stored nowhere.';
comment on column app_private.refresh_tokens.issued_at is 'When it was handed out.';
comment on column app_private.refresh_tokens.expires_at is 'When it stops working.';
comment on column app_private.refresh_tokens.used_at is 'When it was exchanged for the next one.';
comment on column app_private.refresh_tokens.revoked_at is 'When its family was signed out.';
call app_private.protect('app_private.refresh_tokens');

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
comment on table app_private.signing_keys is 'The keys that access tokens are signed with. The newest that is not retired signs; all that are listed are accepted.';
comment on column app_private.signing_keys.kid is 'Key id in the token header and in the published key set.';
comment on column app_private.signing_keys.algorithm is 'JWS algorithm.';
comment on column app_private.signing_keys.public_jwk is 'The public half, as published.';
comment on column app_private.signing_keys.key_id is 'Which key of VANGUARD_ENCRYPTION_KEYS the private half is encrypted under.';
comment on column app_private.signing_keys.nonce is 'AES-256-GCM nonce, 96 bits, random.';
comment on column app_private.signing_keys.ciphertext is 'The private JWK, AES-256-GCM, tag appended, bound to the kid.';
comment on column app_private.signing_keys.created_at is 'When it was made.';
comment on column app_private.signing_keys.retired_at is 'From when on it signs nothing more.';
call app_private.protect('app_private.signing_keys');

--------------------------------------------------------------------------------------------------
-- Rights of a request

create function app_private.request_claims(user_id integer)
  returns table (
    username text, is_administrator boolean, must_change_password boolean,
    organization_ids integer[], writable_organization_ids integer[], administered_organization_ids integer[]
  )
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  select
    u.username,
    u.role = 'admin',
    coalesce(p.must_change, false),
    coalesce(array_agg(o.id order by o.id) filter (where o.id is not null), '{}'),
    coalesce(array_agg(o.id order by o.id) filter (where o.id is not null and (u.role = 'admin' or u.role = 'user' and m.role in ('owner', 'admin', 'member'))), '{}'),
    coalesce(array_agg(o.id order by o.id) filter (where o.id is not null and (u.role = 'admin' or u.role = 'user' and m.role in ('owner', 'admin'))), '{}')
  from app_public.users u
  left join app_private.user_passwords p on p.user_id = u.id
  left join app_public.user_organizations m on m.user_id = u.id and u.role <> 'admin'
  left join app_public.organizations o on (o.id = m.organization_id or u.role = 'admin') and o.is_active
  where u.id = request_claims.user_id and u.is_active
  group by u.id, p.must_change;
end;
comment on function app_private.request_claims(integer) is
  'What a user may do right now, in one look-up; no row for an unknown user or one who is switched off. Rights: domain.md, section 4. A must_change_password is enforced in production only.';
grant execute on function app_private.request_claims(integer) to vanguard_authenticator;

create function app_private.find_login(username text)
  returns table (user_id integer, username text, password_hash text, must_change_password boolean)
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  select u.id, u.username, p.password_hash, p.must_change
  from app_public.users u
  join app_private.user_passwords p on p.user_id = u.id
  where lower(u.username) = lower(btrim(find_login.username)) and u.is_active;
end;
comment on function app_private.find_login(text) is 'The hash to compare a password with; no row for an unknown user, one switched off, or one without a password.';
grant execute on function app_private.find_login(text) to vanguard_authenticator;

create function app_private.set_password(user_id integer, password_hash text, must_change boolean) returns void
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

create function app_private.upgrade_password_hash(user_id integer, old_hash text, new_hash text) returns void
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  update app_private.user_passwords p set password_hash = upgrade_password_hash.new_hash
  where p.user_id = upgrade_password_hash.user_id and p.password_hash = upgrade_password_hash.old_hash;
end;
comment on function app_private.upgrade_password_hash(integer, text, text) is
  'Replaces an old hash of the same password (bcrypt, or argon2id with weaker parameters); does nothing when the password was changed meanwhile.';
grant execute on function app_private.upgrade_password_hash(integer, text, text) to vanguard_authenticator;

create function app_private.start_session(user_id integer, password_hash text, token_hash bytea, lifetime interval) returns uuid
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  family constant uuid := gen_random_uuid();
begin
  -- The password was compared some time ago. Locked, so that a change of password comes wholly before or after this.
  perform from app_private.user_passwords p
  join app_public.users u on u.id = p.user_id
  where p.user_id = start_session.user_id and p.password_hash = start_session.password_hash and u.is_active
  for share of p;
  if not found then
    return null;
  end if;
  insert into app_private.refresh_tokens (user_id, family_id, token_hash, expires_at)
    values (start_session.user_id, family, start_session.token_hash, clock_timestamp() + start_session.lifetime);
  return family;
end;
$$;
comment on function app_private.start_session(integer, text, bytea, interval) is
  'Begins a family of refresh tokens for who has shown the password of this hash, and returns its id; null when the password was changed meanwhile, or the user switched off.';
grant execute on function app_private.start_session(integer, text, bytea, interval) to vanguard_authenticator;

create function app_private.change_password(user_id integer, old_hash text, new_hash text) returns boolean
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
  update app_private.refresh_tokens t set revoked_at = clock_timestamp()
  where t.revoked_at is null and t.user_id = change_password.user_id;
  return true;
end;
$$;
comment on function app_private.change_password(integer, text, text) is
  'Replaces the password of this hash and signs the user out everywhere, in one step; false when it was another one meanwhile.';
grant execute on function app_private.change_password(integer, text, text) to vanguard_authenticator;

create function app_private.rotate_refresh_token(token_hash bytea, new_token_hash bytea, lifetime interval)
  returns table (user_id integer, family_id uuid, is_reused boolean)
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  token app_private.refresh_tokens;
begin
  select * into token from app_private.refresh_tokens t where t.token_hash = rotate_refresh_token.token_hash for update;
  if token.id is null or token.revoked_at is not null or token.expires_at <= clock_timestamp() then
    return;
  end if;
  if token.used_at is not null then
    -- Somebody holds a copy. Nobody can tell the thief from the owner, so the whole sign-in ends.
    update app_private.refresh_tokens t set revoked_at = clock_timestamp()
    where t.family_id = token.family_id and t.revoked_at is null;
    return query select token.user_id, token.family_id, true;
    return;
  end if;
  update app_private.refresh_tokens t set used_at = clock_timestamp() where t.id = token.id;
  insert into app_private.refresh_tokens (user_id, family_id, token_hash, expires_at)
    values (token.user_id, token.family_id, rotate_refresh_token.new_token_hash, clock_timestamp() + lifetime);
  return query select token.user_id, token.family_id, false;
end;
$$;
comment on function app_private.rotate_refresh_token(bytea, bytea, interval) is
  'Exchanges a refresh token for the next one of its family. No row: unknown, expired or signed out. is_reused: it had been exchanged before, and its family is now signed out.';
grant execute on function app_private.rotate_refresh_token(bytea, bytea, interval) to vanguard_authenticator;

create function app_private.end_session(token_hash bytea) returns integer
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  with ended as (
    update app_private.refresh_tokens t set revoked_at = clock_timestamp()
    where t.revoked_at is null
      and t.family_id = (select f.family_id from app_private.refresh_tokens f where f.token_hash = end_session.token_hash)
    returning 1
  )
  select count(*)::integer from ended;
end;
comment on function app_private.end_session(bytea) is 'Signs out the family that a refresh token belongs to; answers how many tokens that ended.';
grant execute on function app_private.end_session(bytea) to vanguard_authenticator;

create function app_private.end_all_sessions(user_id integer) returns integer
  language sql volatile security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  with ended as (
    update app_private.refresh_tokens t set revoked_at = clock_timestamp()
    where t.revoked_at is null and t.user_id = end_all_sessions.user_id
    returning 1
  )
  select count(*)::integer from ended;
end;
comment on function app_private.end_all_sessions(integer) is 'Signs a user out everywhere, as after a change of password.';
grant execute on function app_private.end_all_sessions(integer) to vanguard_authenticator;

create function app_private.list_signing_keys() returns setof app_private.signing_keys
  language sql stable security definer
  set search_path = pg_catalog, pg_temp
begin atomic
  select * from app_private.signing_keys k
  -- What a retired key signed lives on for as long as a token may, 15 minutes at most.
  where k.retired_at is null or k.retired_at > now() - interval '15 minutes'
  order by k.retired_at is not null, k.created_at desc;
end;
comment on function app_private.list_signing_keys() is 'The signing keys that are accepted, the one that signs first.';
grant execute on function app_private.list_signing_keys() to vanguard_authenticator;

create function app_private.add_signing_key(kid text, algorithm text, public_jwk jsonb, key_id text, nonce bytea, ciphertext bytea) returns void
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  -- Two servers that start at once on a new database must not both add a first key.
  lock table app_private.signing_keys in share row exclusive mode;
  if not exists (select from app_private.signing_keys k where k.retired_at is null) then
    insert into app_private.signing_keys (kid, algorithm, public_jwk, key_id, nonce, ciphertext)
      values (add_signing_key.kid, add_signing_key.algorithm, add_signing_key.public_jwk, add_signing_key.key_id, add_signing_key.nonce, add_signing_key.ciphertext);
  end if;
end;
$$;
comment on function app_private.add_signing_key(text, text, jsonb, text, bytea, bytea) is 'Adds the first signing key; does nothing when there is one already.';
grant execute on function app_private.add_signing_key(text, text, jsonb, text, bytea, bytea) to vanguard_authenticator;

create function app_public.viewer() returns app_public.users
  language sql stable
begin atomic
  select u.* from app_public.users u where u.id = app_core.current_user_id();
end;
comment on function app_public.viewer() is 'The signed-in user.';
grant execute on function app_public.viewer() to vanguard_visitor;

create function app_public.organizations_my_role(organization app_public.organizations) returns text
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

create function app_public.user_organizations_username(membership app_public.user_organizations) returns text
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
