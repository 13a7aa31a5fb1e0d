// The default shape: Elastic Premium, no virtual network, no key anywhere. azd fills the environment in.
using 'main.bicep'

param environmentName = readEnvironmentVariable('AZURE_ENV_NAME', 'dev')
param location = readEnvironmentVariable('AZURE_LOCATION', 'westeurope')
param principalId = readEnvironmentVariable('AZURE_PRINCIPAL_ID', '00000000-0000-0000-0000-00000000000d')
param principalType = readEnvironmentVariable('AZURE_PRINCIPAL_TYPE', 'User')
param principalName = readEnvironmentVariable('FLEETSCORE_SQL_ADMIN', 'deployer')
param hostingPlan = readEnvironmentVariable('FLEETSCORE_PLAN', 'EP1')
param contentShare = bool(readEnvironmentVariable('FLEETSCORE_CONTENT_SHARE', 'false'))
param retentionDays = int(readEnvironmentVariable('FLEETSCORE_RETENTION_DAYS', '90'))
param vnetEnabled = bool(readEnvironmentVariable('FLEETSCORE_VNET', 'false'))
param appPackage = readEnvironmentVariable('APP_PACKAGE', 'releases/none.zip')
param otlpEndpoint = readEnvironmentVariable('FLEETSCORE_OTLP_ENDPOINT', '')
param otlpHeaders = readEnvironmentVariable('FLEETSCORE_OTLP_HEADERS', '')
param alertEmail = readEnvironmentVariable('FLEETSCORE_ALERT_EMAIL', '')
