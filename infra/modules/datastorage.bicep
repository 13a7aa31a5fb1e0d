// The application's storage: models, predictions, dead letters, logs, captured events, and the queues. Shared keys are off.
@description('Name of the account.')
@maxLength(24)
param name string
@description('Region.')
param location string
@description('Tags.')
param tags object
@description('Keep copies in several availability zones.')
param zoneRedundant bool
@description('Whether the account can be reached from outside the virtual network.')
param publicNetworkAccess bool
@description('Object id of the app\'s identity.')
param appPrincipalId string
@description('Object id of the identity that Event Hubs Capture writes with.')
param capturePrincipalId string
@description('Object id of the deployer, who publishes models.')
param deployerPrincipalId string
@description('What the deployer is.')
param deployerPrincipalType string
@description('Days that predictions are kept.')
param predictionRetentionDays int
@description('Days that logs and dead letters are kept.')
param logRetentionDays int
@description('Days that captured events are kept.')
param captureRetentionDays int
@description('Workspace for diagnostics.')
param workspaceId string

// The containers that the application writes to. It only reads models and mappings.
var containers = ['preds', 'deadletter', 'spill', 'logs']
var queueNames = ['score-jobs', 'score-jobs-poison']

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: zoneRedundant ? 'Standard_ZRS' : 'Standard_LRS' }
  properties: {
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    allowSharedKeyAccess: false
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    defaultToOAuthAuthentication: true
    publicNetworkAccess: publicNetworkAccess ? 'Enabled' : 'Disabled'
    networkAcls: { defaultAction: publicNetworkAccess ? 'Allow' : 'Deny', bypass: 'AzureServices' }
  }

  resource blobs 'blobServices' = {
    name: 'default'
    properties: { deleteRetentionPolicy: { enabled: true, days: 7 } }

    resource container 'containers' = [for container in containers: { name: container }]
    resource models 'containers' = { name: 'models' }
    resource config 'containers' = { name: 'config' }
    resource capture 'containers' = { name: 'capture' }
  }

  resource queues 'queueServices' = {
    name: 'default'

    resource queue 'queues' = [for queue in queueNames: { name: queue }]
  }
}

// Without these rules, 5,000 sensors that are scored hourly add 120,000 blobs a day. Models are never deleted.
resource lifecycle 'Microsoft.Storage/storageAccounts/managementPolicies@2025-06-01' = {
  parent: account
  name: 'default'
  properties: {
    policy: {
      rules: [for rule in [
        { name: 'predictions', prefix: 'preds/', days: predictionRetentionDays }
        { name: 'error-logs', prefix: 'logs/', days: logRetentionDays }
        { name: 'app-logs', prefix: 'insights-logs-functionapplogs/', days: logRetentionDays }
        { name: 'dead-letters', prefix: 'deadletter/', days: logRetentionDays }
        { name: 'captured-events', prefix: 'capture/', days: captureRetentionDays }
      ]: {
        name: rule.name
        enabled: true
        type: 'Lifecycle'
        definition: {
          filters: { blobTypes: ['blockBlob', 'appendBlob'], prefixMatch: [rule.prefix] }
          actions: { baseBlob: { delete: { daysAfterModificationGreaterThan: rule.days } } }
        }
      }]
    }
  }
}

resource queueDiagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'workspace'
  scope: account::queues
  properties: {
    workspaceId: workspaceId
    logs: [{ category: 'StorageDelete', enabled: true }]
    metrics: [{ category: 'Transaction', enabled: true }]
  }
}

resource blobDiagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'workspace'
  scope: account::blobs
  properties: {
    workspaceId: workspaceId
    logs: [{ category: 'StorageDelete', enabled: true }]
    metrics: [{ category: 'Transaction', enabled: true }]
  }
}

var blobDataContributor = 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
var blobDataReader = '2a2b9908-6ea1-4ae2-8e65-a410df84e7d1'
var queueDataContributor = '974c5e8b-45b9-4653-ba55-5f855dd0fb88'

// The app has rights for single containers. It cannot read captured events, nor change a model.
resource appWrites 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for (container, i) in containers: {
  name: guid(account::blobs::container[i].id, appPrincipalId, blobDataContributor)
  scope: account::blobs::container[i]
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', blobDataContributor)
  }
}]

resource appReadsModels 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(account::blobs::models.id, appPrincipalId, blobDataReader)
  scope: account::blobs::models
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', blobDataReader)
  }
}

resource appReadsConfig 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(account::blobs::config.id, appPrincipalId, blobDataReader)
  scope: account::blobs::config
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', blobDataReader)
  }
}

// Contributor, because the host moves messages to the poison queue, and the application sends messages.
resource appQueues 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for (queue, i) in queueNames: {
  name: guid(account::queues::queue[i].id, appPrincipalId, queueDataContributor)
  scope: account::queues::queue[i]
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', queueDataContributor)
  }
}]

resource captureAssignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(account::blobs::capture.id, capturePrincipalId, blobDataContributor)
  scope: account::blobs::capture
  properties: {
    principalId: capturePrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', blobDataContributor)
  }
}

resource deployerAssignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(account.id, deployerPrincipalId, blobDataContributor)
  scope: account
  properties: {
    principalId: deployerPrincipalId
    principalType: deployerPrincipalType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', blobDataContributor)
  }
}

@description('Resource id.')
output id string = account.id
@description('Name.')
output name string = account.name
@description('Blob endpoint, with a slash at its end.')
output blobEndpoint string = account.properties.primaryEndpoints.blob
@description('Container that Event Hubs Capture writes to.')
output captureContainer string = account::blobs::capture.name
