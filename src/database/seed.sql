-- Initial data of a new installation: organizations, AI providers, API configurations and data-source mappings.
-- Idempotent: existing rows stay unchanged.
insert into app_public.organizations (code, name) values
  ('HOLNG', 'Holcombe LNG Terminal'),
  ('RIO', 'Rio Bravo LNG Trains 1-3'),
  ('RIO2', 'Rio Bravo LNG Train 4'),
  ('PORTARTHUR', 'Port Arthur Expansion'),
  ('PEMS_Global', 'PEMS Global Fleet'),
  ('SABINE', 'Sabine Crossing Liquefaction'),
  ('CALCASIEU', 'Calcasieu Export Facility'),
  ('FREEPORT', 'Freeport Train 5'),
  ('CORPUS', 'Corpus Stage 4'),
  ('BAYTOWN', 'Baytown Olefins'),
  ('GEISMAR', 'Geismar Ammonia'),
  ('LAKECHAS', 'Lake Charles Methanol'),
  ('KITIMAT', 'Kitimat Marine Terminal'),
  ('QATARNF', 'North Field Utilities'),
  ('MOZAFUNGI', 'Afungi Onshore'),
  ('TANGGUH', 'Tangguh Train 4'),
  ('GLADSTONE', 'Gladstone Turnaround'),
  ('DARWIN', 'Darwin Life Extension'),
  ('YAMBURG', 'Yamburg Compression'),
  ('SAOPAULO', 'São Paulo Refinery Revamp'),
  ('MONTREAL', 'Montréal Est Hydrogen'),
  ('ANTWERP', 'Antwerp Cracker'),
  ('TEESSIDE', 'Teesside Carbon Capture'),
  ('SHANGHAI', 'Shanghai 上海 Module Yard'),
  ('ULSAN', 'Ulsan Fabrication'),
  ('RASLAFFAN', 'Ras Laffan Sulphur'),
  ('DUQM', 'Duqm Tank Farm'),
  ('HQ_TOOLS', 'Head Office Tool Pool')
on conflict (code) do nothing;

insert into app_public.ai_providers (id, type, name, enabled, default_model, available_models) values
  ('gemini-default', 'gemini', 'Google Gemini', true, 'gemini-2.5-flash', '["gemini-2.5-flash", "gemini-2.5-pro"]'),
  ('openai-default', 'openai', 'OpenAI', false, 'gpt-5-mini', '["gpt-5-mini", "gpt-5"]'),
  ('anthropic-default', 'anthropic', 'Anthropic Claude', false, 'claude-sonnet-4-5', '["claude-sonnet-4-5", "claude-haiku-4-5"]')
on conflict (id) do nothing;

-- `vanguard connection create`, or `vanguard start` for the simulator, enters the addresses of PEMS.
insert into app_public.api_configurations (id, name, usage, url, auth_type, operation_type, is_simulated) values
  ('pems-global-pfa-read', 'PEMS: read PFA records', 'PEMS_PFA_READ', null, 'basic', 'read', true),
  ('pems-global-pfa-write', 'PEMS: write PFA records', 'PEMS_PFA_WRITE', null, 'basic', 'write', true),
  ('pems-global-assets', 'PEMS: asset master', 'PEMS_ASSETS', null, 'basic', 'read', true),
  ('pems-global-classes', 'PEMS: classes and categories', 'PEMS_CLASSES', null, 'basic', 'read', true),
  ('pems-global-organizations', 'PEMS: organizations', 'PEMS_ORGANIZATIONS', null, 'basic', 'read', true),
  ('ai-gemini', 'Google Gemini', 'AI_GEMINI', 'https://generativelanguage.googleapis.com', 'apiKey', 'read-write', false),
  ('ai-openai', 'OpenAI', 'AI_OPENAI', 'https://api.openai.com', 'bearer', 'read-write', false),
  ('ai-anthropic', 'Anthropic Claude', 'AI_ANTHROPIC', 'https://api.anthropic.com', 'apiKey', 'read-write', false)
on conflict (id) do nothing;

insert into app_public.data_source_mappings (id, entity_type, api_configuration_id, priority) values
  ('pfa-read', 'pfa', 'pems-global-pfa-read', 1),
  ('pfa-write', 'pfa', 'pems-global-pfa-write', 2),
  ('organizations', 'organizations', 'pems-global-organizations', 1),
  ('asset-master', 'asset_master', 'pems-global-assets', 1)
on conflict (id) do nothing;
