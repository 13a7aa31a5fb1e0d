// Azure SQL for readings and the ledger of runs: Entra identities only, serverless.
@description('Name of the server.')
@maxLength(63)
param serverName string
@description('Region.')
param location string
@description('Tags.')
param tags object
@description('Whether the server can be reached from outside the virtual network.')
param publicNetworkAccess bool
@description('Object id of the administrator.')
param administratorId string
@description('Display name of the administrator.')
param administratorName string
@description('What the administrator is.')
@allowed(['User', 'Group', 'ServicePrincipal'])
param administratorType string
@description('Most vCores.')
param maxVCores int
@description('Fewest vCores.')
param minVCores string
@description('Size limit in GB.')
param maxSizeGB int
@description('Spread over availability zones.')
param zoneRedundant bool
@description('Workspace for diagnostics.')
param workspaceId string

resource server 'Microsoft.Sql/servers@2025-01-01' = {
  name: serverName
  location: location
  tags: tags
  properties: {
    version: '12.0'
    minimalTlsVersion: '1.2'
    publicNetworkAccess: publicNetworkAccess ? 'Enabled' : 'Disabled'
    administrators: {
      administratorType: 'ActiveDirectory'
      azureADOnlyAuthentication: true
      principalType: administratorType == 'ServicePrincipal' ? 'Application' : administratorType
      login: administratorName
      sid: administratorId
      tenantId: tenant().tenantId
    }
  }

  // Without a virtual network, the app connects from addresses of Azure. This rule lets all of them reach the server, where identities decide who has access.
  resource azureServices 'firewallRules' = if (publicNetworkAccess) {
    name: 'AllowAllWindowsAzureIps'
    properties: { startIpAddress: '0.0.0.0', endIpAddress: '0.0.0.0' }
  }

  resource auditing 'auditingSettings' = {
    name: 'default'
    properties: { state: 'Enabled', isAzureMonitorTargetEnabled: true }
  }

  resource database 'databases' = {
    name: 'fleetscore'
    location: location
    tags: tags
    sku: { name: 'GP_S_Gen5', tier: 'GeneralPurpose', family: 'Gen5', capacity: maxVCores }
    properties: {
      // It never pauses: the tick uses it every minute.
      autoPauseDelay: -1
      minCapacity: json(minVCores)
      maxSizeBytes: maxSizeGB * 1073741824
      collation: 'SQL_Latin1_General_CP1_CI_AS'
      requestedBackupStorageRedundancy: zoneRedundant ? 'Zone' : 'Local'
      zoneRedundant: zoneRedundant
    }

    resource backups 'backupShortTermRetentionPolicies' = {
      name: 'default'
      properties: { retentionDays: 7, diffBackupIntervalInHours: 24 }
    }
  }
}

// The server's audit goes where the diagnostic setting of its database master leads.
resource master 'Microsoft.Sql/servers/databases@2025-01-01' existing = {
  parent: server
  name: 'master'
}

resource auditLog 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'audit'
  scope: master
  properties: {
    workspaceId: workspaceId
    logs: [{ category: 'SQLSecurityAuditEvents', enabled: true }]
  }
}

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'workspace'
  scope: server::database
  properties: {
    workspaceId: workspaceId
    logs: [
      { category: 'Errors', enabled: true }
      { category: 'Timeouts', enabled: true }
      { category: 'Deadlocks', enabled: true }
    ]
    metrics: [{ category: 'Basic', enabled: true }]
  }
}

@description('Resource id of the server.')
output serverId string = server.id
@description('Name of the server.')
output serverName string = server.name
@description('Host name of the server.')
output fullyQualifiedDomainName string = server.properties.fullyQualifiedDomainName
@description('Resource id of the database.')
output databaseId string = server::database.id
@description('Name of the database.')
output databaseName string = server::database.name
