// Private endpoints of every data service, with the DNS zones that lead to them.
@description('Region.')
param location string
@description('Tags.')
param tags object
@description('Virtual network.')
param networkId string
@description('Its name.')
param networkName string
@description('Whether there is a content share.')
param withShare bool
@description('Subnet of the endpoints.')
param subnetId string
@description('The host\'s storage account.')
param hostStorageId string
@description('The application\'s storage account.')
param dataStorageId string
@description('The file share\'s storage account; empty if there is none.')
param shareStorageId string
@description('Event Hubs namespace.')
param eventHubsId string
@description('SQL server.')
param sqlServerId string

// The loops are over literals, because bicep snapshot cannot expand others.
var zoneKinds = ['blob', 'queue', 'table', 'file', 'servicebus', 'sql']
var zoneNames = {
  blob: 'privatelink.blob.${environment().suffixes.storage}'
  queue: 'privatelink.queue.${environment().suffixes.storage}'
  table: 'privatelink.table.${environment().suffixes.storage}'
  file: 'privatelink.file.${environment().suffixes.storage}'
  servicebus: 'privatelink.servicebus.windows.net'
  sql: 'privatelink${environment().suffixes.sqlServerHostname}'
}
var ids = { host: hostStorageId, data: dataStorageId, share: shareStorageId, eventhubs: eventHubsId, sql: sqlServerId }
var targets = [
  { name: 'host-blob', resource: 'host', group: 'blob', zone: 0 }
  { name: 'host-table', resource: 'host', group: 'table', zone: 2 }
  { name: 'data-blob', resource: 'data', group: 'blob', zone: 0 }
  { name: 'data-queue', resource: 'data', group: 'queue', zone: 1 }
  { name: 'share-file', resource: 'share', group: 'file', zone: 3 }
  { name: 'eventhubs', resource: 'eventhubs', group: 'namespace', zone: 4 }
  { name: 'sql', resource: 'sql', group: 'sqlServer', zone: 5 }
]

resource zones 'Microsoft.Network/privateDnsZones@2024-06-01' = [for kind in zoneKinds: {
  name: zoneNames[kind]
  location: 'global'
  tags: tags
}]

resource links 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [for (kind, i) in zoneKinds: {
  parent: zones[i]
  name: networkName
  location: 'global'
  tags: tags
  properties: { registrationEnabled: false, virtualNetwork: { id: networkId } }
}]

resource endpoints 'Microsoft.Network/privateEndpoints@2025-05-01' = [for target in targets: if (target.resource != 'share' || withShare) {
  name: 'pe-${target.name}-${networkName}'
  location: location
  tags: tags
  properties: {
    subnet: { id: subnetId }
    privateLinkServiceConnections: [
      { name: target.name, properties: { privateLinkServiceId: ids[target.resource], groupIds: [target.group] } }
    ]
  }
}]

resource zoneGroups 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2025-05-01' = [for (target, i) in targets: if (target.resource != 'share' || withShare) {
  parent: endpoints[i]
  name: 'default'
  properties: {
    privateDnsZoneConfigs: [
      { name: target.group, properties: { privateDnsZoneId: zones[target.zone].id } }
    ]
  }
}]
