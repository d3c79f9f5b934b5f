-- Breaks older releases: no
-- Features: what people say about phones. And the profiles that were served, to compare with.

create table feature (
  id text primary key,
  account_id text not null references account (id),  -- whose it is; one of a device counts only while that account has the device
  scope text not null check (scope in ('account', 'batch', 'device')),
  batch_id text references batch (id) on delete cascade,
  device_mac text references device (mac) on delete cascade,
  kind text not null,
  body jsonb not null,
  revision_id bigint not null references revision (id),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  created_order bigint generated always as identity,
  retired_at timestamptz,             -- taken back or changed: phones are given the factory's values for what it had set
  check ((scope = 'batch') = (batch_id is not null)),
  check ((scope = 'device') = (device_mac is not null))
);
create index feature_account on feature (account_id, scope);
create index feature_batch on feature (batch_id) where batch_id is not null;
create index feature_device on feature (device_mac) where device_mac is not null;

-- The last few of each device; the text holds its secrets, so it is sealed.
create table profile_version (
  mac text not null references device (mac) on delete cascade,
  version text not null,
  sealed bytea not null,                -- gzip, base64, sealed
  at timestamptz not null default now(),
  primary key (mac, version)
);

-- Who touched a line last, and the history of anything.
create index revision_target on revision (scope, target, id desc);
