// The event hub that sensors send to. Its events are also captured to Blob storage, because the Functions host may lose some.
@description('Name of the namespace.')
@minLength(6)
@maxLength(50)
param name string
@description('Region.')
param location string
@description('Tags.')
param tags object
@description('Name of the event hub.')
param hubName string
@description('Name of the app\'s consumer group: another reader of the hub then takes no partition from it.')
param consumerGroup string
@description('Whether the namespace can be reached from outside the virtual network.')
param publicNetworkAccess bool
@description('Partitions.')
param partitions int
@description('Throughput units to begin with.')
param throughputUnits int
@description('Throughput units to grow to.')
param maximumThroughputUnits int
@description('Hours that events are kept.')
param retentionHours int
@description('Object id of the app\'s identity.')
param appPrincipalId string
@description('Resource id of the identity that captures are written with.')
param captureIdentityId string
@description('Storage account of the captures.')
param captureStorageId string
@description('Container of the captures.')
param captureContainer string
@description('Object id of the deployer, who may send readings.')
param deployerPrincipalId string
@description('What the deployer is.')
param deployerPrincipalType string
@description('Workspace for diagnostics.')
param workspaceId string

resource namespace 'Microsoft.EventHub/namespaces@2026-01-01' = {
  name: name
  location: location
  tags: tags
  sku: { name: 'Standard', tier: 'Standard', capacity: throughputUnits }
  identity: { type: 'UserAssigned', userAssignedIdentities: { '${captureIdentityId}': {} } }
  properties: {
    disableLocalAuth: true
    minimumTlsVersion: '1.2'
    isAutoInflateEnabled: maximumThroughputUnits > throughputUnits
    maximumThroughputUnits: maximumThroughputUnits > throughputUnits ? maximumThroughputUnits : 0
    publicNetworkAccess: publicNetworkAccess ? 'Enabled' : 'Disabled'
  }

  resource hub 'eventhubs' = {
    name: hubName
    properties: {
      partitionCount: partitions
      retentionDescription: { cleanupPolicy: 'Delete', retentionTimeInHours: retentionHours }
      captureDescription: {
        enabled: true
        encoding: 'Avro'
        intervalInSeconds: 300
        sizeLimitInBytes: 314572800
        skipEmptyArchives: true
        destination: {
          name: 'EventHubArchive.AzureBlockBlob'
          identity: { type: 'UserAssigned', userAssignedIdentity: captureIdentityId }
          properties: {
            storageAccountResourceId: captureStorageId
            blobContainer: captureContainer
            archiveNameFormat: '{Namespace}/{EventHub}/{PartitionId}/{Year}/{Month}/{Day}/{Hour}/{Minute}/{Second}'
          }
        }
      }
    }

    resource group 'consumergroups' = { name: consumerGroup }
  }
}

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'workspace'
  scope: namespace
  properties: {
    workspaceId: workspaceId
    logs: [
      { category: 'OperationalLogs', enabled: true }
      { category: 'ArchiveLogs', enabled: true }
    ]
    metrics: [{ category: 'AllMetrics', enabled: true }]
  }
}

// The app receives; the deployer may send, as fleetscore simulate does.
var dataReceiver = 'a638d3c7-ab3a-418d-83e6-5f17a39d4fde'
var dataSender = '2b629674-e913-4c01-ae53-ef4638d8f975'

resource appAssignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(namespace::hub.id, appPrincipalId, dataReceiver)
  scope: namespace::hub
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', dataReceiver)
  }
}

resource deployerAssignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(namespace::hub.id, deployerPrincipalId, dataSender)
  scope: namespace::hub
  properties: {
    principalId: deployerPrincipalId
    principalType: deployerPrincipalType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', dataSender)
  }
}

@description('Resource id of the namespace.')
output id string = namespace.id
@description('Host name of the namespace.')
output fullyQualifiedNamespace string = '${namespace.name}.servicebus.windows.net'
