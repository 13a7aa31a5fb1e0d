package release

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// Tokens returns an access token for a scope.
type Tokens func(ctx context.Context, scope string) (string, error)

// SignedIn returns the tokens of the user who is signed in to azd. If there is none, it returns
// those of the user of az, or those of the environment.
func SignedIn() (Tokens, error) {
	developer, err := azidentity.NewAzureDeveloperCLICredential(nil)
	if err != nil {
		return nil, err
	}
	cli, err := azidentity.NewAzureCLICredential(nil)
	if err != nil {
		return nil, err
	}
	sources := []azcore.TokenCredential{developer, cli}
	if env, err := azidentity.NewEnvironmentCredential(nil); err == nil {
		sources = append(sources, env)
	}
	chain, err := azidentity.NewChainedTokenCredential(sources, nil)
	if err != nil {
		return nil, err
	}
	return cached(chain), nil
}

// cached returns tokens from a source, and each one again until five minutes before it expires. A
// new token starts azd or az.
func cached(source azcore.TokenCredential) Tokens {
	var mu sync.Mutex
	tokens := map[string]azcore.AccessToken{}
	return func(ctx context.Context, scope string) (string, error) {
		mu.Lock()
		defer mu.Unlock()
		if t := tokens[scope]; time.Until(t.ExpiresOn) > 5*time.Minute {
			return t.Token, nil
		}
		t, err := source.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{scope}})
		if err != nil {
			return "", fmt.Errorf("sign in with azd auth login: %w", err)
		}
		tokens[scope] = t
		return t.Token, nil
	}
}
