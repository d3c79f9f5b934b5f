-- Breaks older releases: no
-- Batches of devices, drafts of layers.

create table batch (
  id text primary key,
  account_id text not null references account (id),
  name text not null,
  model text,
  expected integer check (expected between 1 and 100000),
  state text not null default 'open' check (state in ('open', 'shipped')),
  created_by text not null,
  created_at timestamptz not null default now()
);
create index batch_account on batch (account_id);

alter table device add column batch_id text references batch (id);
create index device_batch on device (batch_id) where batch_id is not null;

alter table layer drop constraint layer_scope_check;
alter table layer add constraint layer_scope_check
  check (scope in ('platform', 'provider', 'model', 'account', 'batch', 'device'));

-- What somebody prepares and nobody gets yet.
create table layer_draft (
  scope text not null check (scope in ('platform', 'provider', 'model', 'account', 'batch', 'device')),
  id text not null,
  parameters jsonb not null,          -- as in layer
  who text not null,
  why text,
  updated_at timestamptz not null default now(),
  primary key (scope, id)
);
-- The revision of the layer that the draft was made from: 0 when there was no layer.
alter table layer_draft add column base_revision_id bigint not null default 0;

alter table batch add column shipped_at timestamptz;

-- What people write on phones.
alter table device add column label text not null default '';
alter table device add column notes text not null default '';

alter table firmware add column notes text not null default '';

create index account_parent on account (parent_id) where parent_id is not null;
create index code_account on code (account_id);
create index device_held_account on device (held_account_id) where held_account_id is not null;
create index line_domain on line (domain);
