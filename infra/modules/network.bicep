// Two subnets: one that the app's outbound traffic runs through, one for the private endpoints.
@description('Name of the virtual network.')
param name string
@description('Region.')
param location string
@description('Tags.')
param tags object
@description('Address range, a /22 or larger.')
param addressPrefix string
@description('Service that the app\'s subnet is delegated to, which differs by plan.')
@allowed(['Microsoft.Web/serverFarms', 'Microsoft.App/environments'])
param appDelegation string

resource network 'Microsoft.Network/virtualNetworks@2025-05-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    addressSpace: { addressPrefixes: [addressPrefix] }
    subnets: [
      {
        name: 'app'
        properties: {
          // A /24, because the platform needs about a hundred addresses while it scales and upgrades.
          addressPrefix: cidrSubnet(addressPrefix, 24, 0)
          delegations: [{ name: 'app', properties: { serviceName: appDelegation } }]
        }
      }
      {
        name: 'endpoints'
        properties: {
          addressPrefix: cidrSubnet(addressPrefix, 24, 1)
          privateEndpointNetworkPolicies: 'Disabled'
        }
      }
    ]
  }
}

@description('Resource id of the network.')
output id string = network.id
@description('Resource id of the app\'s subnet.')
output appSubnetId string = network.properties.subnets[0].id
@description('Resource id of the endpoints\' subnet.')
output endpointSubnetId string = network.properties.subnets[1].id
