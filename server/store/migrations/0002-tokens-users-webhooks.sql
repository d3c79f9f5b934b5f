-- Breaks older releases: no
-- Whose tokens and users they are, what was asked twice, who is told of events, and in which order events became visible.

create table api_user (
  id text primary key,
  email text not null unique,         -- lower case
  name text not null default '',
  role text not null check (role in ('owner', 'engineer', 'support', 'reseller', 'customer')),
  account_id text references account (id) on delete cascade, -- null: sees every account
  password bytea,                     -- argon2id, sealed; null: cannot sign in
  disabled boolean not null default false,
  created_by text not null,
  created_at timestamptz not null default now(),
  last_login_at timestamptz
);
create index api_user_account on api_user (account_id) where account_id is not null;

alter table token add column account_id text references account (id) on delete cascade; -- null: sees every account
alter table token add column created_by text not null default 'cli';
alter table token add column kind text not null default 'api' check (kind in ('api', 'session'));
-- Whose session it is, or the person at the root of the tokens that made it.
alter table token add column user_id text references api_user (id) on delete cascade;
alter table token add column last_used_at timestamptz;
create index token_user on token (user_id) where user_id is not null;
create index token_expiry on token (expires_at) where expires_at is not null;

-- What a write with an Idempotency-Key did: step n is the result of its n-th transaction, step -1 its answer.
create table idempotency (
  token_id text not null,
  key text not null,
  step integer not null,
  sealed bytea not null,
  created_at timestamptz not null default now(),
  primary key (token_id, key, step)
);
create index idempotency_age on idempotency (created_at);

-- Events become visible when their transaction commits, not in the order of their ids: a follower that stays behind the
-- oldest transaction under way and goes by (xid, id) misses none.
alter table event add column xid xid8 not null default pg_current_xact_id();
create index event_order on event (xid, id);

-- Whose the changed thing was at that time; null: of the whole platform.
alter table revision add column account_id text;
create index revision_account on revision (account_id, id) where account_id is not null;

create table webhook (
  id text primary key,
  account_id text references account (id) on delete cascade, -- null: events of every account
  url text not null,
  events text[] not null,             -- names, or patterns with *
  secret bytea not null,              -- sealed
  enabled boolean not null default true,
  disabled_reason text,
  last_xid xid8 not null,             -- up to here events have become deliveries
  last_id bigint not null,
  failure_count integer not null default 0, -- in a row
  failing_since timestamptz,
  paused_until timestamptz not null default '-infinity',
  leased_until timestamptz not null default '-infinity',
  lease text,
  created_by text not null,
  created_at timestamptz not null default now()
);

create table delivery (
  id bigint generated always as identity primary key,
  webhook_id text not null references webhook (id) on delete cascade,
  event_id bigint,                    -- null: a test
  event_name text not null,
  body text not null,
  state text not null default 'queued' check (state in ('queued', 'delivered', 'failed')),
  attempt_count integer not null default 0,
  next_at timestamptz not null default now(),
  last_status integer,
  last_error text,
  created_at timestamptz not null default now(),
  ended_at timestamptz
);
create index delivery_webhook on delivery (webhook_id, id);
create index delivery_queued on delivery (webhook_id, id) where state = 'queued';
create index delivery_ended on delivery (ended_at) where ended_at is not null;

-- A revision belongs to the account that its target had when it was written. Tables that come later are fine: plpgsql
-- looks for them when it is asked.
create function account_of_target(scope text, target text) returns text language plpgsql stable as $$
begin
  case regexp_replace(scope, '^[^/]*/', '')
    when 'account' then return target;
    when 'device' then return (select coalesce(d.account_id, d.held_account_id) from device d where d.mac = target);
    when 'batch' then return (select b.account_id from batch b where b.id = target);
    when 'line' then return (select l.account_id from line l where l.id = target);
    when 'code' then return (select c.account_id from code c where c.id = target);
    when 'token' then return (select t.account_id from token t where t.id = target);
    when 'user' then return (select u.account_id from api_user u where u.id = target);
    when 'webhook' then return (select w.account_id from webhook w where w.id = target);
    else return null;
  end case;
end
$$;
update revision set account_id = account_of_target(scope, target)
 where regexp_replace(scope, '^[^/]*/', '') in ('account', 'device', 'line', 'code', 'token');
